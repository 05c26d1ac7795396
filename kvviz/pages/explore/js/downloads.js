// Saves the table: asks for it when a button is pressed, and takes what comes as a file.
import {element, every} from "../../kit/js/element.js"
/** @import {Rendered} from "../../kit/js/browser.d.ts" */
/** @import {Downloads} from "./payloads.d.ts" */
const ICON = '<svg width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M8 2v8M4.8 7L8 10.2 11.2 7M2.5 13.5h11"/></svg>'

/** @type {(form: string, name: string) => string} */
const button = (form, name) => `<button data-form="${form}" aria-label="Table as ${name}">${ICON}<span>${name}</span></button>`

/** @type {(given: Rendered<Downloads>) => HTMLElement} */
export function render({model}) {
  const box = element(`<div class="downloads">${button("csv", "CSV")}${button("parquet", "Parquet")}</div>`)
  for (const each of every(box, "button")) each.onclick = () => model.send_msg(each.dataset.form)
  model.on("msg:custom", ({name, content}) => {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob([content]))
    link.download = name
    link.click()
    URL.revokeObjectURL(link.href)
  })
  return box
}
