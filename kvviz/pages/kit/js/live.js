// Fills elements that carry numbers of the playhead's row: text by data-live, width by data-width as
// a share of data-of, visibility by data-if (more than nothing, or than data-above) and data-unless.
import {every} from "./element.js"
import {SPELL} from "./numbers.js"
/** @import {Row} from "./browser.d.ts" */
/** @typedef {keyof typeof SPELL} Unit */

/** @type {(root: ParentNode, row?: Row) => void} */
export function fill(root, row) {
  if (!row) {
    for (const el of every(root, "[data-if], [data-unless]")) el.hidden = true
    return
  }
  for (const el of every(root, "[data-live]")) {
    const {live = "", unit} = el.dataset, text = SPELL[/** @type {Unit} */ (unit)](row[live])
    if (el.textContent !== text) el.textContent = text
  }
  for (const el of every(root, "[data-width]")) {
    const {width = "", of = ""} = el.dataset
    el.style.width = `${(100 * Math.max(0, row[width])) / row[of]}%`
  }
  for (const el of every(root, "[data-if]")) el.hidden = !(row[el.dataset.if ?? ""] > Number(el.dataset.above ?? 0))
  for (const el of every(root, "[data-unless]")) el.hidden = row[el.dataset.unless ?? ""] > 0
}
