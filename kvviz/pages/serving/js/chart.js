// Requests over time and the whole run: painted seldom, larger than they are seen, and then only moved.
import {every, find} from "../../kit/js/element.js"
import {grouped} from "../../kit/js/numbers.js"
import {put, sourcesOf} from "../../kit/js/source.js"
import {PHASES} from "./lives.js"
/** @import {Model} from "../../kit/js/browser.d.ts" */
/** @import {Lives} from "./lives.js" */
/** @import {Areas, Queue, ServingPlayer} from "./payloads.d.ts" */

const FRONTIER = 16.5, PLAYHEAD = 0.6 // lanes above the last request that joined; share of the window before the playhead
const GLIDE = 0.15 // of the way to where the lanes should be, each frame
const SHEET = 2 // times as wide and as high as what is seen of it
const BEHIND = 0.1 // of the window, and of the lanes, that a new sheet has before what is seen
const EVERY = 4 // lanes from one label to the next

export class Chart {
  /** @type {Lives} */
  lives

  /** @param {Model<ServingPlayer>} model
   * @param {(selector: string) => HTMLElement} part
   * @param {() => void} moved - called when it has another size */
  constructor(model, part, moved) {
    this.model = model
    this.gantt = model.gantt
    this.overview = model.overview
    /** Where each element is. @type {Map<HTMLElement, string>} */
    this.styles = new Map()
    /** Where what is painted begins: second and lane. @type {{start: number, first: number} | undefined} */
    this.sheet = undefined
    this.start = 0 // second at which the window begins
    this.first = 0 // lane
    this.followed = 0
    this.wide = 0 // px of the window, and of the whole run's frame
    this.high = 0
    this.full = 0
    const of = (/** @type {string} */ name) => part(`.requests .${name}`)
    this.parts = {window: of("window"), plot: of("plot"), times: of("times"), lanes: of("lanes")}
    this.over = part(".over .frame")
    this.sized = new ResizeObserver(() => { this.measure(); moved() })
    this.sized.observe(this.parts.window)
    this.sized.observe(this.over)
    this.measure()
  }

  stop() { this.sized.disconnect() }

  measure() {
    const {window: seen} = this.parts
    this.wide = seen.clientWidth
    this.high = seen.clientHeight
    this.full = this.over.clientWidth
    this.slide()
  }

  /** @type {(lives: Lives, areas: Areas) => void} */
  show(lives, areas) {
    this.lives = lives
    /** @type {{[phase: string]: {start: number[], end: number[], lane: number[], colour?: number[]}}} */
    const columns = {}
    for (const name of PHASES) columns[name] = {start: [], end: [], lane: [], ...(name === "decode" ? {colour: []} : {})}
    const {request, phase, start, end} = lives.lives
    for (let row = 0; row < phase.length; row++) {
      const bars = columns[PHASES[phase[row]]]
      bars.start.push(start[row])
      bars.end.push(end[row])
      bars.lane.push(request[row])
      bars.colour?.push(request[row] % 8)
    }
    const lanes = sourcesOf(this.gantt)
    for (const name of PHASES) put(lanes[name], columns[name])
    const {when, base, ...tops} = areas, names = Object.keys(sourcesOf(this.overview).areas.data).slice(2)
    const named = names.map((name, i) => [name, tops[/** @type {`top${number}`} */ (`top${i}`)]])
    put(sourcesOf(this.overview).areas, {when, base, ...Object.fromEntries(named)})
    this.sheet = undefined
  }

  /** @type {(a: Queue, b: Queue) => void} */
  queues(a, b) {
    const over = sourcesOf(this.overview)
    put(over.queue_a, {...a})
    put(over.queue_b, {...b})
  }

  /** The window around the playhead: seconds, and the first lane, to which it glides while playing.
   * @type {(now: number, gliding: boolean) => void} */
  move(now, gliding) {
    const {seconds, window} = this.model
    this.start = Math.max(0, Math.min(now - PLAYHEAD * window, seconds - window))
    const first = this.firstAt(now)
    this.first = gliding ? this.first + GLIDE * (first - this.first) : Math.round(first)
    if (!this.covered()) this.lay()
    this.slide()
  }

  covered() {
    const {sheet, start, first} = this, {window, layout: {lanes}} = this.model
    return sheet && start >= sheet.start && start <= sheet.start + (SHEET - 1) * window &&
      first >= sheet.first && first <= sheet.first + (SHEET - 1) * lanes
  }

  /** Has a sheet painted that holds the window, and what comes next. */
  lay() {
    const {window, layout: {lanes, tick}} = this.model
    const start = Math.max(0, this.start - BEHIND * window), first = Math.max(0, Math.floor(this.first - BEHIND * lanes))
    const end = start + SHEET * window, last = first + SHEET * lanes, quiet = {sync: false}
    this.sheet = {start, first}
    this.gantt.x_range.setv({start, end}, quiet)
    this.gantt.y_range.setv({start: last - 0.5, end: first - 0.5}, quiet)
    /** @type {(side: string, share: number, text: string, kind?: string) => string} */
    const label = (side, share, text, kind = "") => `<span class="${kind}" style="${side}: ${100 * share}%">${text}</span>`
    const from = Math.ceil(start / tick), digits = Math.max(0, -Math.floor(Math.log10(tick) + 1e-9))
    const times = Array.from({length: Math.floor(end / tick) - from + 1}, (_, i) => from + i)
    this.parts.times.innerHTML = times.map((n) =>
      label("left", (n * tick - start) / (end - start), grouped(n * tick, digits), n % 2 ? "between" : "")).join("")
    const labelled = Array.from({length: last - first}, (_, i) => first + i).filter((lane) => lane % EVERY === 0 && lane < this.lives.size)
    this.parts.lanes.innerHTML = `<i class="lane"></i>${labelled.map((lane) => label("top", (lane - first + 0.5) / (last - first), `#${lane}`)).join("")}<b></b>`
    this.mark()
  }

  /** Whole pixels of the screen keep it sharp. */
  slide() {
    const {sheet, wide, high, start, first, model: {window, layout: {lanes}}} = this
    if (!sheet) return
    const snap = (/** @type {number} */ px) => Math.round(px * devicePixelRatio) / devicePixelRatio
    const x = snap((-(start - sheet.start) / window) * wide), y = snap((-(first - sheet.first) / lanes) * high)
    this.still(this.parts.plot, `translate(${x}px, ${y}px)`)
    this.still(this.parts.times, `translateX(${x}px)`)
    this.still(this.parts.lanes, `translateY(${y}px)`)
  }

  /** Sets where an element is, if that is new. @type {(element: HTMLElement, transform: string) => void} */
  still(element, transform) {
    if (this.styles.get(element) === transform) return
    this.styles.set(element, transform)
    element.style.transform = transform
  }

  /** Where the queue is now, but with the followed request in sight as long as it is served.
   * @type {(now: number) => number} */
  firstAt(now) {
    const {lanes} = this.model.layout, followed = this.followed
    let first = this.lives.frontier(now) - FRONTIER
    if ((this.lives.rowAt(followed, now) ?? -1) > this.lives.first(followed)) first = Math.max(followed - lanes + 2, Math.min(first, followed - 1))
    return Math.max(0, Math.min(first, this.lives.size - lanes))
  }

  /** @type {(request: number) => void} */
  follow(request) {
    this.followed = request
    this.mark()
  }

  /** The followed request's lane stands out, label and all. */
  mark() {
    const {sheet, followed, parts: {lanes: strip}, model: {layout: {lanes}}} = this
    if (!sheet) return
    const middle = (followed - sheet.first + 0.5) / (SHEET * lanes), lane = find(strip, ".lane"), name = find(strip, "b")
    lane.style.top = name.style.top = `${100 * middle}%`
    lane.style.height = `${100 / (SHEET * lanes)}%`
    lane.hidden = name.hidden = middle < 0 || middle > 1
    name.textContent = `#${this.followed}`
    for (const label of every(strip, "span")) label.hidden = label.textContent === name.textContent
  }

  /** Where a time lies in the window, as a share. @type {(now: number) => number} */
  share(now) { return (now - this.start) / this.model.window }

  /** Where a share of the window is, px from the left. @type {(share: number) => number} */
  across(share) { return share * this.wide }

  /** Where a share of the whole run is, px from the left. @type {(share: number) => number} */
  along(share) {
    const {left, right} = this.model.layout.overview
    return left + share * (this.full - left - right)
  }

  /** @type {(share: number) => number | undefined} */
  laneAt(share) {
    const lane = Math.round(this.first - 0.5 + share * this.model.layout.lanes)
    return lane >= 0 && lane < this.lives.size ? lane : undefined
  }

  /** The first and the last request whose lanes are seen. @type {() => [number, number]} */
  seen() { return [Math.ceil(this.first), Math.min(this.lives.size, Math.ceil(this.first) + this.model.layout.lanes) - 1] }
}
