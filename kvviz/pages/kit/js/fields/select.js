// A setting as a list to choose from.
import {element} from "../element.js"
import {offer} from "./options.js"
/** @import {Field, Option} from "../payloads.d.ts" */
/** @import {Draw} from "./field.d.ts" */

/** @type {Draw<Field>} */
export function select(field, set) {
  const list = /** @type {HTMLSelectElement} */ (element(`<select aria-label="${field.label}" title="${field.hint}"></select>`))
  /** @type {Option[]} */
  let options = []
  list.onchange = () => {
    const chosen = options.find(([value]) => String(value) === list.value)
    if (chosen) set(chosen[0])
  }
  return [list, (next) => { options = next.options; offer(list, options, next.value) }]
}

/** In a frame with its name. @type {Draw<Field>} */
export function pick(field, set) {
  const [list, show] = select(field, set), frame = element(`<label class="pick"><span>${field.label}</span></label>`)
  frame.append(list)
  return [frame, show]
}
