// A button that opens and closes what lies below it.
import {element} from "../element.js"
/** @import {Value} from "../payloads.d.ts" */
/** @import {Draw} from "./field.d.ts" */

/** @type {Draw<{label: string, value: Value}>} */
export function fold(field, set) {
  const button = element(`<button class="fold">${field.label}<i></i></button>`)
  button.onclick = () => set(button.getAttribute("aria-expanded") !== "true")
  return [button, ({value}) => button.setAttribute("aria-expanded", String(value))]
}
