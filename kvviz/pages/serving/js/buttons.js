// Buttons, keys and the drag over the whole run.
import {every, find} from "../../kit/js/element.js"
import {keyOfOthers, pressed} from "../../kit/js/keys.js"
import {scrub} from "../../kit/js/scrub.js"
import {commanding} from "../../kit/js/transport.js"
/** @import {Name} from "./told.d.ts" */
/** @import {Player} from "./player.js" */

/** @type {(player: Player, stage: HTMLElement) => void} */
export function listen(player, stage) {
  const {model, clock} = player, over = find(stage, ".over .frame")
  commanding(model, stage)
  for (const button of every(stage, ".which button"))
    button.onclick = () => { player.show(/** @type {Name} */ (button.dataset.run)); player.tell() }
  scrub(over, over, () => model.layout.overview, (share) => clock.seek(share * clock.end))
  const keys = (/** @type {KeyboardEvent} */ event) => press(player, event)
  document.addEventListener("keydown", keys)
  model.on("remove", () => document.removeEventListener("keydown", keys))
}

/** @type {(player: Player, event: KeyboardEvent) => void} */
function press(player, event) {
  if (keyOfOthers(event)) return
  const {key, shiftKey} = event, {clock} = player, by = clock.end / (shiftKey ? 20 : 200)
  const handle = /** @type {Element} */ (event.composedPath()[0]).classList.contains("handle")
  if (key === "ArrowUp" && handle) player.choose(player.followed - 1)
  else if (key === "ArrowDown" && handle) player.choose(player.followed + 1)
  else if (key === "ArrowLeft") clock.seek(clock.now - by)
  else if (key === "ArrowRight") clock.seek(clock.now + by)
  else if (!pressed(event, clock)) return
  event.preventDefault()
}
