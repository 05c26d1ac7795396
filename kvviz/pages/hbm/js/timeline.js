// The strip under the scene: its playhead, which glides between rows, its labels, and scrubbing.
import {find} from "../../kit/js/element.js"
import {SPELL} from "../../kit/js/numbers.js"
import {scrub} from "../../kit/js/scrub.js"
/** @import {Margins, Marks} from "./payloads.d.ts" */
const LABEL = 18 // px that a label's line of text takes

export class TimelineStrip {
  /** @param {{marks: Marks, margins: Margins}} model
   * @param {HTMLElement} root
   * @param {(share: number) => void} seek */
  constructor(model, root, seek) {
    this.model = model
    this.root = root
    this.margins = model.margins
    this.plot = find(root, ".plot")
    this.handle = find(root, ".handle")
    this.veil = find(root, ".veil")
    this.share = 0
    this.wide = 0
    this.high = 0
    scrub(root, this.plot, () => this.margins, seek)
    new ResizeObserver(() => this.measure()).observe(this.plot)
  }

  /** Reads where the plot is; nothing else asks the page for its layout while it plays. */
  measure() {
    const {left, right, top, bottom} = this.margins
    this.wide = this.plot.clientWidth - left - right
    this.high = this.plot.clientHeight - top - bottom
    Object.assign(this.veil.style, {left: `${left}px`, top: `${this.plot.offsetTop + top}px`})
    Object.assign(this.veil.style, {width: `${this.wide}px`, height: `${this.high}px`})
    this.place(this.share)
    this.label()
  }

  /** Transforms alone, so that a frame lays nothing out. @type {(share: number) => void} */
  place(share) {
    this.share = share
    this.handle.style.transform = `translateX(${this.margins.left + share * this.wide}px)`
    this.veil.style.transform = `scaleX(${1 - share})`
  }

  /** @type {(now: number, end: number) => void} */
  say(now, end) {
    this.handle.setAttribute("aria-valuenow", String(Math.round(now)))
    this.handle.setAttribute("aria-valuemax", String(end))
    this.handle.setAttribute("aria-valuetext", `${SPELL.count(Math.round(now))} of ${SPELL.count(end)} tokens`)
  }

  /** Labels of the capacities and of the first crossing: at the side with room, never over the edge. */
  label() {
    const {marks} = this.model, root = find(this.root, ".marks"), {left, top} = this.margins
    if (!marks?.top || !this.high) return
    const y = (/** @type {number} */ gib) => this.plot.offsetTop + top + this.high * (1 - gib / marks.top)
    const narrow = this.wide < 500
    const above = {aside: Infinity, over: Infinity} // the top of the last label beside the first one, and over it
    /** The first capacity's label, with room around it. @type {{left: number, right: number} | null} */
    let first = null
    root.replaceChildren(...marks.labels.flatMap(({at, gib, text, short, role, how, below}) => {
      const label = document.createElement("span")
      Object.assign(label, {textContent: narrow ? short : text, title: how, className: role})
      root.append(label)
      const width = label.offsetWidth, place = this.side(at, width, marks)
      const high = y(gib) - 26 < this.plot.offsetTop - 6 // then the heading is in the way, and below the label before
      const over = first && place < first.right && place + width > first.left
      const aside = high && !marks.early, line = y(gib) + ((below && (narrow || over)) || high ? 4 : -26)
      const crowded = line + LABEL > above[aside ? "aside" : "over"] || (high && marks.early && first)
      if (y(gib) < this.plot.offsetTop || (at === null && crowded)) return []
      if (at === null) above[aside ? "aside" : "over"] = line
      first ??= {left: place - 8, right: place + width + 8}
      Object.assign(label.style, {left: `${left + (aside ? first.right : place)}px`, top: `${line}px`})
      return [label]
    }))
  }

  /** Where a label's left edge goes. @type {(at: number | null, width: number, marks: Marks) => number} */
  side(at, width, {early}) {
    if (at === null) return early ? this.wide - width - 4 : 6
    const x = at * this.wide
    return x + 12 + width <= this.wide ? x + 12 : Math.max(0, x - 12 - width)
  }
}
