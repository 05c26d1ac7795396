// A card: heading, figure, and what is said beside it.
import {element, find} from "../../kit/js/element.js"
/** @import {Rendered} from "../../kit/js/browser.d.ts" */
/** @import {ChartCard} from "./payloads.d.ts" */

/** @type {(given: Rendered<ChartCard>) => HTMLElement} */
export function render({model}) {
  const card = element(`<section class="live card chart"><header><h3></h3><small></small></header>
    <div class="body"><div class="plot" role="img"></div><div class="aside"></div></div></section>`)
  const plot = find(card, ".plot"), aside = find(card, ".aside")
  const show = () => {
    find(card, "h3").textContent = model.heading
    find(card, "small").innerHTML = model.note
    aside.innerHTML = model.aside
    aside.hidden = !model.aside
    plot.setAttribute("aria-label", model.told)
  }
  plot.append(model.get_child("chart"))
  model.on(["heading", "note", "aside", "told"], show)
  show()
  return card
}
