// The centre of the page: the two pools, the requests and the whole run around the player.
import {element, find} from "../../kit/js/element.js"
import {STAGE} from "./markup.js"
import {Player} from "./player.js"
/** @import {Rendered} from "../../kit/js/browser.d.ts" */
/** @import {ServingPlayer} from "./payloads.d.ts" */

/** @type {(given: Rendered<ServingPlayer>) => HTMLElement} */
export function render({model}) {
  const stage = element(STAGE), player = new Player(model, stage)
  find(stage, ".requests .plot").append(model.get_child("gantt"))
  find(stage, ".over .plot").append(model.get_child("overview"))
  const reload = () => player.load()
  model.on("revision", reload)
  model.on("after_render", reload)
  model.on("palette", () => player.recolour())
  model.on("remove", () => player.clock.stop())
  return stage
}
