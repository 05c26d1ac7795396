// The context at the playhead, as a slider: moving it scrubs.
import {element, find} from "./element.js"
import {hear, say} from "./events.js"
import {SPELL} from "./numbers.js"
/** @import {Model} from "./browser.d.ts" */

/** @type {(model: Model<{}>) => HTMLElement} */
export function playhead(model) {
  const row = element(`<label class="slider context" title="a setting: the position of the playhead">
    <span>Context<b><output></output> <small></small></b></span><input type="range" min="0" step="1" aria-label="Context"></label>`)
  const input = find(row, "input")
  input.oninput = () => say("command", {play: false, seek: Number(input.value)})
  // The context told is that of the numbers on the page: a long run has not a row for every token.
  const show = (/** @type {number} */ when, /** @type {number} */ end, told = when) => {
    input.max = String(end)
    input.value = String(when)
    input.style.setProperty("--share", String(end ? when / end : 0))
    find(row, "output").textContent = SPELL.count(told)
    find(row, "small").textContent = `of ${SPELL.count(end)}`
  }
  hear(model, "state", ({now, end}) => show(Math.round(now), end, document.kvviz?.row?.when))
  hear(model, "row", ({when}) => show(when, Number(document.kvviz?.state?.end ?? when)))
  return row
}
