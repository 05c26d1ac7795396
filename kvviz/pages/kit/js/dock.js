// What stays in reach without a column of controls: play, speed, and on a phone the context.
import {find} from "./element.js"
import {playhead} from "./playhead.js"
import {transport} from "./transport.js"
/** @import {Rendered} from "./browser.d.ts" */
/** @import {Transport} from "./payloads.d.ts" */

/** @type {(given: Rendered<Transport>) => HTMLElement} */
export function render({model}) {
  const bar = transport(model)
  find(bar, ".play").after(playhead(model))
  return bar
}
