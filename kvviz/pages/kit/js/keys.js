// The keys of a page's player.
import {say} from "./events.js"
/** @import {Playback} from "./clock.js" */

/** Whether a key is not the player's: it is the browser's own, an input's, or presses what has the
 * focus. A slider has its arrows alone. @type {(event: KeyboardEvent) => boolean} */
export function keyOfOthers(event) {
  const {key, ctrlKey, metaKey, altKey} = event
  const {tagName, type} = /** @type {HTMLInputElement} */ (event.composedPath()[0])
  return ctrlKey || metaKey || altKey ||
    (type === "range" ? key.startsWith("Arrow") : ["INPUT", "SELECT", "TEXTAREA"].includes(tagName)) ||
    (key === " " && ["BUTTON", "SUMMARY"].includes(tagName))
}

/** Plays and pauses by the space bar, and changes the theme by L; a held key is one press. Says
 * whether it was one of them. @type {(event: KeyboardEvent, clock: Playback) => boolean} */
export function pressed({key, repeat}, clock) {
  const theme = key.toLowerCase() === "l"
  if (!theme && key !== " ") return false
  if (!repeat) say("command", theme ? {theme} : {play: !clock.playing})
  return true
}
