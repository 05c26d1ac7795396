// What lies under the pointer, in words; a click follows the request that lies there.
import {SPELL} from "../../kit/js/numbers.js"
import {STATE} from "./blocks.js"
/** @import {Name} from "./told.d.ts" */
/** @import {Player} from "./player.js" */
/** What lies there: what is said of it, and whose it is.
 * @typedef {{html?: string, request?: number}} Found */

export class Pointer {
  /** @param {Player} player @param {HTMLElement} stage */
  constructor(player, stage) {
    this.player = player
    this.stage = stage
    this.box = document.createElement("div")
    this.box.className = "tip"
    this.box.hidden = true
    stage.append(this.box)
    for (const run of /** @type {Name[]} */ (["a", "b"]))
      this.listen(player.find(`.pool[data-run="${run}"] .cells`), (x, y) => this.overPool(run, x, y))
    this.listen(player.find(".requests .window"), (_, y) => this.overLane(y))
  }

  /** @type {(event: PointerEvent, html: string) => void} */
  show(event, html) {
    const stage = this.stage.getBoundingClientRect(), {box} = this
    if (box.innerHTML !== html) box.innerHTML = html
    box.hidden = false
    const x = Math.max(0, Math.min(event.clientX - stage.left + 14, stage.width - box.offsetWidth))
    box.style.left = `${x}px`
    box.style.top = `${event.clientY - stage.top + 16}px`
  }

  hide() { this.box.hidden = true }

  /** `find` tells what lies at shares of the element's width and height.
   * @type {(element: HTMLElement, find: (x: number, y: number) => Found) => void} */
  listen(element, find) {
    const under = (/** @type {MouseEvent} */ event) => {
      const {left, top, width, height} = element.getBoundingClientRect()
      return find((event.clientX - left) / width, (event.clientY - top) / height)
    }
    element.addEventListener("pointermove", (event) => {
      const {html} = under(event)
      if (html) this.show(event, html)
      else this.hide()
    })
    element.addEventListener("pointerleave", () => this.hide())
    element.addEventListener("click", (event) => {
      const {request} = under(event)
      if (request !== undefined) this.player.choose(request)
    })
  }

  /** @type {(run: Name, x: number, y: number) => Found} */
  overPool(run, x, y) {
    const {clock: {now}, model, runs} = this.player, {blocks, lives} = runs[run], block = blocks.blockAt(x, y)
    if (block === undefined) return {}
    const {each} = model.grid, name = each > 1 ? `Blocks ${SPELL.count(block)} to ${SPELL.count(block + each - 1)}` : `Block ${SPELL.count(block)}`
    const owner = blocks.owner[block], state = blocks.state[block]
    if (state === STATE.free) return {html: `<b>${name}</b> free`}
    /** @type {{[state: number]: string}} */
    const words = {
      [STATE.reserved]: `reserved for request ${owner}, not used yet`,
      [STATE.used]: `request ${owner}, ${lives.says(owner, now)}`,
      [STATE.cached]: `free, content still cached; last used by request ${owner}`,
      [STATE.shared]: `shared by several requests, including ${owner}`,
    }
    return {html: `<b>${name}</b> ${words[state]}`, request: owner}
  }

  /** @type {(y: number) => Found} */
  overLane(y) {
    const {clock: {now}, runs, shown, chart} = this.player, request = y >= 0 && y < 1 ? chart.laneAt(y) : undefined
    if (request === undefined) return {}
    const {lives, blocks} = runs[shown], {prompt, output, queued_s, ttft_s, end_s, preemptions} = lives.requests
    const times = preemptions[request], held = blocks.heldBy(request), at = (/** @type {number} */ time) => `${time.toFixed(2)} s`
    const does = `${lives.says(request, now)}${held ? `, ${SPELL.count(held)} block${held === 1 ? "" : "s"}` : ""}`
    const tail = times ? `, preempted ${times === 1 ? "once" : `${times} times`}` : ""
    return {request, html: `<b>Request ${request}</b> ${does}<br><small>${SPELL.count(prompt[request])} + ${SPELL.count(output[request])} tokens; ` +
      `arrives at ${at(queued_s[request])}, first token after ${SPELL.seconds(ttft_s[request])}${tail}, ends at ${at(end_s[request])}</small>`}
  }
}
