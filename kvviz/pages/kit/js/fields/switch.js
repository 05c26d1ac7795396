// A setting as a switch with a note.
import {element, find} from "../element.js"
/** @import {Value} from "../payloads.d.ts" */
/** @import {Draw} from "./field.d.ts" */

/** @type {Draw<{label: string, value: Value, note: string}>} */
export function toggle(field, set) {
  const root = element(`<div class="toggle"><button role="switch" aria-label="${field.label}"><i></i></button>
    <strong>${field.label}</strong><div class="note"></div></div>`)
  const button = find(root, "button"), note = find(root, ".note")
  let noted = ""
  button.onclick = () => set(button.getAttribute("aria-checked") !== "true")
  return [root, (next) => {
    button.setAttribute("aria-checked", String(next.value))
    if (noted !== next.note) note.innerHTML = noted = next.note
  }]
}
