// A setting as a row of buttons, and where there are more values than have room, a list of them.
import {element, find} from "../element.js"
import {offer} from "./options.js"
/** @import {Field, Option} from "../payloads.d.ts" */
/** @import {Draw} from "./field.d.ts" */

/** @type {Draw<Field & {others?: Option[]}>} */
export function segment(field, set) {
  const root = element(`<div class="labelled" title="${field.hint}"><span>${field.label}</span><div class="seg" role="radiogroup" aria-label="${field.label}"></div></div>`)
  const group = find(root, ".seg"), more = document.createElement("select")
  more.className = "more"
  more.setAttribute("aria-label", `${field.label}, other types`)
  more.onchange = () => { if (more.value) set(more.value) }
  return [root, ({options, others, value}) => {
    group.replaceChildren(...options.map(([each, text]) => {
      const button = element(`<button role="radio" aria-checked="${each === value}">${text}</button>`)
      button.onclick = () => set(each)
      return button
    }))
    if (!others) return
    const other = others.some(([each]) => each === value)
    offer(more, [["", "…"], ...others], other ? value : "")
    more.classList.toggle("on", other)
    group.append(more)
  }]
}
