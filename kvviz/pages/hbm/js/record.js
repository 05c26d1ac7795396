// The record of a run as it came: changes of pages in their order, and totals, a row a context.
import {upTo} from "../../kit/js/ascending.js"
/** @import {Row} from "../../kit/js/browser.d.ts" */
/** @import {Player} from "./payloads.d.ts" */

export class Run {
  /** @param {Pick<Player, "when" | "page" | "pages" | "owner" | "state" | "totals" | "columns" | "constants">} record */
  constructor({when, page, pages, owner, state, totals, columns, constants}) {
    this.when = when
    this.page = page
    this.pages = pages
    this.owner = owner
    this.state = state
    this.constants = constants
    this.rows = totals.length / columns.length
    const column = (/** @type {number} */ i) => new Float64Array(totals.buffer, totals.byteOffset + 8 * i * this.rows, this.rows)
    this.totals = Object.fromEntries(columns.map((name, i) => [name, column(i)]))
    this.end = this.at("when", this.rows - 1)
  }

  /** @type {(name: string, row: number) => number} */
  at(name, row) { return name in this.totals ? this.totals[name][row] : this.constants[name] }

  /** All numbers of a row. @type {(row: number) => Row} */
  numbers(row) {
    const found = {...this.constants}
    for (const name in this.totals) found[name] = this.totals[name][row]
    return found
  }

  /** The last row not after a context. @type {(when: number) => number} */
  rowAt(when) { return Math.max(0, upTo(this.totals.when, when) - 1) }
}
