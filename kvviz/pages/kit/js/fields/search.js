// A setting as words to look for; those that are being typed are left alone.
import {element} from "../element.js"
/** @import {Value} from "../payloads.d.ts" */
/** @import {Draw} from "./field.d.ts" */

/** @type {Draw<{label: string, value: Value}>} */
export function search(field, set) {
  const input = /** @type {HTMLInputElement} */ (
    element(`<input type="search" aria-label="${field.label}" placeholder="${field.label}" spellcheck="false">`))
  input.oninput = () => set(input.value)
  return [input, ({value}) => { if (input.value !== value) input.value = String(value) }]
}
