// A card of HTML whose numbers follow the playhead.
import {hear} from "./events.js"
import {fill} from "./live.js"
/** @import {Rendered} from "./browser.d.ts" */
/** @import {LiveCard} from "./payloads.d.ts" */

/** @type {(given: Rendered<LiveCard>) => HTMLElement} */
export function render({model}) {
  const card = document.createElement("div")
  card.className = "live " + model.css_class
  const show = () => { card.innerHTML = model.html; fill(card, document.kvviz?.row) }
  model.on("html", show)
  hear(model, "row", (row) => fill(card, row))
  show()
  return card
}
