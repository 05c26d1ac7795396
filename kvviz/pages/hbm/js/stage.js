// The centre of the page: banner, scene, ledger and strip around the player.
import {element, find} from "../../kit/js/element.js"
import {hear} from "../../kit/js/events.js"
import {fill} from "../../kit/js/live.js"
import {Player} from "./player.js"
/** @import {Rendered} from "../../kit/js/browser.d.ts" */
/** @import * as Sent from "./payloads.d.ts" */

/** @type {(title: string) => string} */
const stageOf = (title) => `<div class="stage"><div class="live summary" aria-hidden="true"></div><div class="live banner-slot"></div>
    <div class="scene" role="img"><div class="layer scene-layer"></div><div class="layer fleet-layer"></div></div>
    <div class="live ledger-slot"></div>
    <section class="strip card"><h2>${title}</h2><div class="plot" role="img"></div>
      <div class="veil"></div><div class="marks" aria-hidden="true"></div>
      <div class="handle" role="slider" tabindex="0" aria-label="Playhead, tokens of context" aria-valuemin="0"><i></i></div></section></div>`

/** @type {(given: Rendered<Sent.Player>) => HTMLElement} */
export function render({model, view}) {
  const stage = element(stageOf(model.strip_title)), scene = find(stage, ".scene")
  const slots = {summary: find(stage, ".summary"), banner: find(stage, ".banner-slot"), ledger: find(stage, ".ledger-slot")}
  const player = new Player(model, scene, find(stage, ".strip"))
  const texts = () => {
    slots.summary.innerHTML = model.summary
    slots.banner.innerHTML = model.banner
    slots.ledger.innerHTML = model.ledger
    for (const slot of Object.values(slots)) fill(slot, document.kvviz?.row)
  }
  texts()
  find(stage, ".scene-layer").prepend(model.get_child("scene"))
  find(stage, ".plot").append(model.get_child("strip"))
  // The figure of several GPUs comes with the first run that needs it. It is rendered at once, since
  // a resize has Bokeh measure it in any case, and shown once it has been measured where it stands.
  const fleet = () => { if (model.fleet) find(stage, ".fleet-layer").prepend(model.get_child("fleet")) }
  const shown = () => { player.measured = Boolean(model.fleet); player.load() }
  fleet()
  view.on_child_render("fleet", () => {
    fleet()
    view.render_children()
    requestAnimationFrame(() => requestAnimationFrame(shown))
  })
  model.on("revision", () => { texts(); player.load() })
  model.on("after_render", shown)
  hear(model, "row", (row) => { for (const slot of Object.values(slots)) fill(slot, row) })
  // The total stays in sight where the scene is scrolled out of it.
  new IntersectionObserver(([{isIntersecting}]) => slots.summary.classList.toggle("shown", !isIntersecting)).observe(scene)
  return stage
}
