// Texts over a figure, in its own pixels, y up: they grow with it, and say on hover how a number is known.
/** @import {Words} from "./payloads.d.ts" */
/** What a text says and where; the rest is as usual unless told.
 * @typedef {{x: number, y: number, text: string, plate?: boolean, middle?: boolean} & Partial<Words>} Said */
export const ACROSS = 944
export const UP = 572
const SHIFT = {left: 0, center: -50, right: -100}

export class Texts {
  /** @param {HTMLElement} layer */
  constructor(layer) {
    this.root = document.createElement("div")
    this.root.className = "texts-over"
    this.root.setAttribute("aria-hidden", "true") // the scene's own sentence tells them
    layer.append(this.root)
    /** @type {{[name: string]: HTMLElement[]}} */
    this.groups = {}
  }

  /** Shows a group's texts; elements are kept and only what differs is written.
   * @type {(name: string, texts: Said[]) => void} */
  put(name, texts) {
    const spans = (this.groups[name] ??= [])
    while (spans.length > texts.length) spans.pop()?.remove()
    while (spans.length < texts.length) spans.push(this.root.appendChild(document.createElement("span")))
    texts.forEach((text, i) => this.set(spans[i], text))
  }

  /** @type {(span: HTMLElement, said: Said) => void} */
  set(span, {x, y, text, size = 13, align = "left", bold = false, role = "text2", how = "", plate = false, middle = plate}) {
    const style = `left:${(100 * x) / ACROSS}%;top:${100 * (1 - y / UP)}%;--size:${size};color:var(--${role});` +
      `font-weight:${bold ? 700 : 400};transform:translate(${SHIFT[align]}%,${middle ? -50 : -86}%)`
    if (span.getAttribute("style") !== style) span.setAttribute("style", style)
    if (span.textContent !== text) span.textContent = text
    if (span.title !== how) span.title = how
    span.className = plate ? "plate" : ""
  }

  /** How large a text of 1 px is drawn. @type {(factor: number) => void} */
  scale(factor) { this.root.style.setProperty("--k", String(factor)) }
}
