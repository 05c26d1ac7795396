// Cards of HTML whose numbers follow the playhead; a card whose text did not change is left alone.
// On a phone what folds is folded at first.
import {hear} from "./events.js"
import {fill} from "./live.js"
/** @import {Rendered} from "./browser.d.ts" */
/** @import {LiveCards} from "./payloads.d.ts" */
const PHONE = matchMedia("(max-width: 899px)")

/** @type {(given: Rendered<LiveCards>) => HTMLElement} */
export function render({model}) {
  const root = document.createElement("div")
  /** Each card and its HTML, by name. @type {Map<string, {card: HTMLElement, html: string}>} */
  const shown = new Map()
  root.className = "cards"
  const show = () => {
    for (const [name, html] of model.cards) {
      const card = shown.get(name)?.card ?? root.appendChild(document.createElement("section"))
      if (shown.get(name)?.html === html) continue
      shown.set(name, {card, html})
      const open = card.querySelector("details")?.open ?? !PHONE.matches
      card.className = `live card ${name}`
      card.innerHTML = html
      for (const fold of card.querySelectorAll("details")) fold.open = open
      fill(card, document.kvviz?.row)
    }
  }
  model.on("cards", show)
  hear(model, "row", (row) => fill(root, row))
  show()
  return root
}
