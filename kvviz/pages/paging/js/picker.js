// One setting as a select in a frame with its name; "Other" turns it into a number.
import {element, find} from "../../kit/js/element.js"
import {offer} from "../../kit/js/fields/options.js"
/** @import {Draw} from "../../kit/js/fields/field.d.ts" */
/** @import {Option} from "../../kit/js/payloads.d.ts" */
/** @import {Field} from "./payloads.d.ts" */
/** @type {Option} */
const OTHER = ["other", "Other…"]

/** @type {Draw<Field>} */
export function picker(field, set) {
  const box = element(`<label class="picker ${field.name}"><span></span><select></select><input type="number" step="1" hidden></label>`)
  const name = find(box, "span"), list = find(box, "select"), input = find(box, "input")
  const other = (/** @type {boolean} */ open) => { list.hidden = open; input.hidden = !open }
  const enter = () => { if (!input.hidden) { set(input.value); other(false) } }
  /** @type {(next: Field) => void} */
  const show = (next) => {
    const {label, hint, options, bounds, value} = next
    field = next
    name.textContent = label
    box.title = hint
    offer(list, bounds && next.name !== "sequences" ? [...options, OTHER] : options, value)
    input.min = String(bounds?.[0])
    input.max = String(bounds?.[1])
    input.value = String(value)
    other(false)
  }
  list.onchange = () => {
    if (list.value !== OTHER[0]) return set(list.value)
    other(true)
    input.focus()
    input.select()
  }
  input.onkeydown = (event) => {
    if (event.key === "Enter") enter()
    if (event.key === "Escape") show(field)
  }
  input.onblur = enter
  return [box, show]
}
