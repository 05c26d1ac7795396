// Tells the page's numbers: at once while the run stands still, ten times a second while it plays,
// for nobody reads faster; and counts up to new ones for a moment after a change.
import {say} from "../../kit/js/events.js"
/** @import {Row} from "../../kit/js/browser.d.ts" */
const TELL_MS = 100, COUNT_MS = 300

export class Teller {
  constructor() {
    this.told = -TELL_MS
    this.counting = 0 // since when; 0 while it does not
  }

  /** `write` is what else is told with the row.
   * @type {(numbers: Row, now: boolean, write: () => void) => void} */
  row(numbers, now, write) {
    document.kvviz = {...document.kvviz, row: numbers}
    const time = performance.now()
    if (this.counting || (!now && time - this.told < TELL_MS)) return
    this.told = time
    write()
    say("row", numbers)
  }

  /** From the numbers before a change to those after it, which are always the last ones told.
   * @type {(from: Row, to: () => Row) => void} */
  count(from, to) {
    const start = performance.now()
    this.counting = start
    document.kvviz = {...document.kvviz, counting: true}
    const step = () => {
      if (this.counting !== start) return
      const share = (performance.now() - start) / COUNT_MS, numbers = to()
      if (share < 1) requestAnimationFrame(step)
      else {
        this.counting = 0
        document.kvviz = {...document.kvviz, counting: false}
      }
      const detail = share < 1 ? between(from, numbers, 1 - (1 - share) ** 3) : numbers
      document.dispatchEvent(new CustomEvent("kvviz:row", {detail}))
    }
    requestAnimationFrame(step)
  }
}

/** What is nothing or something before or after, is what it is after: only amounts are counted.
 * @type {(from: Row, to: Row, share: number) => Row} */
const between = (from, to, share) =>
  Object.fromEntries(Object.entries(to).map(([name, value]) => {
    const before = from[name], counted = name !== "when" && value > 0 && before > 0
    return [name, counted ? before + (value - before) * share : value]
  }))
