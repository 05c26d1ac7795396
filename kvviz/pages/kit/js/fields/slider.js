// A setting as a slider over its steps.
import {element, find} from "../element.js"
/** @import {Field, Option} from "../payloads.d.ts" */
/** @import {Draw} from "./field.d.ts" */

/** @type {Draw<Field>} */
export function slider(field, set) {
  const root = element(`<label class="slider"><span>${field.label}<b></b></span><input type="range" min="0" step="1"></label>`)
  const input = find(root, "input"), shown = find(root, "b")
  /** @type {Option[]} */
  let steps = []
  const label = () => {
    const [, text] = steps[Number(input.value)]
    shown.textContent = text
    input.style.setProperty("--share", String(steps.length > 1 ? Number(input.value) / (steps.length - 1) : 1))
    input.setAttribute("aria-valuetext", text)
  }
  input.oninput = label
  input.onchange = () => set(steps[Number(input.value)][0])
  return [root, (next) => {
    root.title = next.hint
    steps = next.options
    input.max = String(steps.length - 1)
    input.value = String(Math.max(0, steps.findIndex(([value]) => value === next.value)))
    label()
  }]
}
