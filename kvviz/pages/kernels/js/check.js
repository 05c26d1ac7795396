// A kernel to run or not: a box in the kernel's colour, its name and what it is.
import {element, find} from "../../kit/js/element.js"
/** @import {Rendered} from "../../kit/js/browser.d.ts" */
/** @import {Draw} from "../../kit/js/fields/field.d.ts" */
/** @import {Check} from "./payloads.d.ts" */
const TICK = '<svg width="12" height="10" viewBox="0 0 12 10" aria-hidden="true"><path d="M1 5l3.5 3.5L11 1.5" fill="none" stroke="currentColor" stroke-width="2"/></svg>'

/** @type {Draw<Check>} */
function check({label, note, colour}, set) {
  const row = element(`<div class="kernel"><button role="switch" aria-label="${label}">${TICK}</button><strong>${label}</strong><small>${note}</small></div>`)
  const button = find(row, "button")
  button.style.setProperty("--own", `var(${colour})`)
  row.onclick = () => set(button.getAttribute("aria-checked") !== "true")
  return [row, ({value}) => button.setAttribute("aria-checked", String(value))]
}

/** @type {(given: Rendered<Check>) => HTMLElement} */
export function render({model}) {
  const [row, show] = check(model, (value) => { model.value = Boolean(value) })
  model.on("value", () => show(model))
  show(model)
  return row
}
