// Play, pause and speed.
import {element, every, find} from "./element.js"
import {hear, say} from "./events.js"
/** @import {Model} from "./browser.d.ts" */
/** @type {[number, string][]} */
const SPEEDS = [[0.5, "½×"], [1, "1×"], [2, "2×"]]
const PAUSE = '<svg width="14" height="14" aria-hidden="true"><path d="M2 1h3.4v12H2zM8.6 1H12v12H8.6z" fill="currentColor"/></svg>'
const PLAY = '<svg width="14" height="14" aria-hidden="true"><path d="M3 1l10 6-10 6z" fill="currentColor"/></svg>'

/** A button a speed, as HTML. */
export const speeds = SPEEDS.map(([speed, text]) => `<button data-speed="${speed}">${text}</button>`).join("")

/** Lets the buttons within `root` command the player, and show its state.
 * @type {(model: Model<{}>, root: ParentNode) => void} */
export function commanding(model, root) {
  const play = find(root, ".play"), buttons = every(root, "[data-speed]")
  play.onclick = () => say("command", {toggle: true})
  for (const button of buttons) button.onclick = () => say("command", {speed: Number(button.dataset.speed)})
  hear(model, "state", ({playing, speed}) => {
    play.innerHTML = playing ? `${PAUSE}<span>Pause</span>` : `${PLAY}<span>Play</span>`
    for (const button of buttons) button.setAttribute("aria-pressed", String(Number(button.dataset.speed) === speed))
  })
}

/** A bar of them; on a phone the speeds are a list. @type {(model: Model<{}>) => HTMLElement} */
export function transport(model) {
  const choices = SPEEDS.map(([speed, text]) => `<option value="${speed}">${text}</option>`).join("")
  const bar = element(`<div class="transport-bar"><button class="play"></button>
    <div class="seg" role="group" aria-label="Speed">${speeds}</div>
    <select class="speed" aria-label="Speed">${choices}</select></div>`)
  const list = find(bar, "select")
  list.onchange = () => say("command", {speed: Number(list.value)})
  hear(model, "state", ({speed}) => { list.value = String(speed) })
  commanding(model, bar)
  return bar
}
