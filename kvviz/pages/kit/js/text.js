// HTML that the server writes.
/** @import {Rendered} from "./browser.d.ts" */
/** @import {Text} from "./payloads.d.ts" */

/** @type {(given: Rendered<Text>) => HTMLElement} */
export function render({model}) {
  const box = document.createElement("div")
  const show = () => { box.className = "live " + model.css_class; box.innerHTML = model.html }
  model.on(["html", "css_class"], show)
  show()
  return box
}
