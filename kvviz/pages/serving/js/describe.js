// What the page's figures show, in words for who cannot see them.
import {SPELL} from "../../kit/js/numbers.js"
/** @import {Player} from "./player.js" */
/** @import {Name} from "./told.d.ts" */

/** @type {(player: Player) => void} */
export function describe(player) {
  const {shown, clock: {end, at}, model: {layout: {policies}}} = player, run = shown.toUpperCase(), now = `${at.toFixed(2)} seconds`
  /** @type {(selector: string, words: string) => void} */
  const label = (selector, words) => player.find(selector).setAttribute("aria-label", words)
  label('.pool[data-run="a"] .cells', pool(player, "a", policies[0], now))
  label('.pool[data-run="b"] .cells', pool(player, "b", policies[1], now))
  label(".requests .window", requests(player, run, now))
  label(".over .plot",
    `Blocks in use under ${run} and both queues over ${end.toFixed(1)} seconds; the playhead is at ${now}.`)
}

/** @type {(player: Player, run: Name, policy: string, now: string) => string} */
function pool({row, model: {grid}}, run, policy, now) {
  const count = (/** @type {string} */ name) => SPELL.count(row[`${run}_${name}`])
  return `Policy ${run.toUpperCase()}, ${policy}, at ${now}: ${count("running")} requests running, ${count("waiting")} waiting ` +
    `and ${count("ended")} finished; ${count("held")} of ${SPELL.count(grid.blocks)} blocks in use.`
}

/** @type {(player: Player, run: string, now: string) => string} */
function requests({chart, runs, shown, followed, clock}, run, now) {
  const [from, to] = chart.seen(), says = runs[shown].lives.says(followed, clock.now)
  return `Requests ${from} to ${to} under ${run} at ${now}; request ${followed} is selected: ${says}.`
}
