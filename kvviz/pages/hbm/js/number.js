// A number that has an assumed value until it is set.
import {element, find} from "../../kit/js/element.js"
/** @import {Draw} from "../../kit/js/fields/field.d.ts" */
/** @import {Amount} from "./payloads.d.ts" */

/** @type {Draw<Amount>} */
export function number(field, set) {
  const root = element(`<label class="labelled number" title="${field.hint}"><span>${field.label}</span>
    <span><input type="number" min="0" step="0.05"> <small>${field.unit}</small></span></label>`)
  const input = find(root, "input")
  input.onchange = () => set(input.value === "" ? null : Number(input.value))
  return [root, (next) => {
    input.value = String(next.value ?? "")
    input.placeholder = next.assumed
    input.title = next.value === null ? `assumed: ${next.source}` : "set by you; clear it to use the assumed value"
  }]
}
