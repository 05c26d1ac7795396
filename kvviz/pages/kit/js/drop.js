// A place for a config.json by itself: the file's bytes arrive as a message.
import {configzone} from "./dropzone.js"
/** @import {Rendered} from "./browser.d.ts" */
/** @import {Upload} from "./payloads.d.ts" */

/** @type {(given: Rendered<Upload>) => HTMLElement} */
export function render({model}) {
  return configzone((bytes) => model.send_msg(bytes), model.limit)
}
