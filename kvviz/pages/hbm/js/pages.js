// Pages as cells: who holds each page, and the code of the cell it lies in.
import {SPELL} from "../../kit/js/numbers.js"
import {numberAt, placeOf} from "./raster.js"
/** @import {Image} from "../../kit/js/browser.d.ts" */
/** @import {Layout} from "./payloads.d.ts" */
/** Pages from the first by steps, before the end.
 * @typedef {{first: number, step: number, end: number}} Steps */

export class Pages {
  /** @param {Image[]} images - a raster a site @param {Layout} layout */
  constructor(images, layout) {
    this.images = images
    this.layout = layout
    this.scores = [0, 0] // first page that scores take, and the first after them
    this.sites = images.length / layout.gpus // of one GPU
    this.owner = new Int16Array(layout.pages)
    this.since = new Uint32Array(layout.pages)
    this.rank = new Uint32Array(layout.pages) // how many pages its owner took before it
    this.taken = new Uint32Array(layout.shares.length)
    this.state = new Uint8Array(layout.pages)
    this.votes = new Uint16Array(32)
    this.cells = Math.ceil(Math.ceil(layout.gpu_pages / this.sites) / layout.pages_per_cell)
    this.order = Uint32Array.from({length: this.cells}, (_, n) => {
      const [column, row] = placeOf(n, layout)
      return row * layout.columns + column
    })
    this.stale = new Uint8Array(images.length * this.cells)
    /** Cells that are stale. @type {number[]} */
    this.waiting = []
  }

  clear() {
    this.scores = [0, 0]
    this.owner.fill(0)
    this.state.fill(0)
    this.taken.fill(0)
    for (const image of this.images) image.fill(0)
  }

  /** @type {(page: number, count: number, owner: number, state: number, when: number) => void} */
  hold(page, count, owner, state, when) {
    const end = Math.min(page + count, this.layout.pages)
    for (let p = page; p < end; p++) {
      if (!this.state[p]) {
        this.since[p] = when
        if (state > 1) this.rank[p] = this.taken[owner]++
      }
      this.owner[p] = owner
      this.state[p] = state
    }
    this.touch(page, end)
  }

  /** Scores take the next free pages; solid where they are in HBM.
   * @type {(from: number, to: number) => void} */
  score(from, to) {
    const [a, b] = this.scores, limit = this.layout.pages
    this.scores = [Math.min(from, limit), Math.min(to, limit)]
    this.touch(Math.min(a, this.scores[0]), Math.max(a, this.scores[0]))
    this.touch(Math.min(b, this.scores[1]), Math.max(b, this.scores[1]))
  }

  /** @type {(page: number) => number} */
  code(page) {
    const {codes} = this.layout, owner = this.owner[page]
    switch (this.state[page]) {
      case 0: return page >= this.scores[0] && page < this.scores[1] ? codes.scores : codes.free
      case 1: return codes.weights + (owner & 1 ? 1 : 0)
      case 2: return codes.reserved
      default: return codes.sequence + (owner % 8)
    }
  }

  /** Addresses go through one GPU after the other; on each, page p lies on site p mod sites. A cell
   * of several pages is looked at once, when all of them have changed.
   * @type {(from: number, to: number) => void} */
  touch(from, to) {
    const {gpu_pages, pages_per_cell: each} = this.layout, {sites} = this
    for (let page = from; page < to; page++) {
      const gpu = Math.floor(page / gpu_pages), local = page - gpu * gpu_pages
      const site = gpu * sites + (local % sites), cell = Math.floor(Math.floor(local / sites) / each)
      if (each === 1) this.images[site][this.order[cell]] = this.code(page)
      else if (!this.stale[site * this.cells + cell]) {
        this.stale[site * this.cells + cell] = 1
        this.waiting.push(site * this.cells + cell)
      }
    }
  }

  /** Brings the images up to date with what was touched. */
  settle() {
    for (const number of this.waiting) {
      const site = Math.floor(number / this.cells), cell = number % this.cells
      this.stale[number] = 0
      this.images[site][this.order[cell]] = this.majority(site, cell)
    }
    this.waiting.length = 0
  }

  /** @type {(site: number, cell: number) => number} */
  majority(site, cell) {
    this.votes.fill(0)
    let best = 0
    const {first, step, end} = this.pagesOf(site, cell)
    for (let page = first; page < end; page += step) {
      const code = this.code(page)
      if (++this.votes[code] > this.votes[best] || code === best) best = code
    }
    return best
  }

  /** The cell in a column and row of a site, undefined where the image is blank.
   * @type {(column: number, row: number) => number | undefined} */
  cellAt(column, row) {
    const cell = numberAt(column, row, this.layout)
    return cell < this.cells ? cell : undefined
  }

  /** The pages that a cell of a site stands for. @type {(site: number, cell: number) => Steps} */
  pagesOf(site, cell) {
    const {gpu_pages, pages_per_cell: each} = this.layout, {sites} = this, gpu = Math.floor(site / sites)
    const first = gpu * gpu_pages + (site % sites) + cell * each * sites
    return {first, step: sites, end: Math.min(first + each * sites, (gpu + 1) * gpu_pages)}
  }

  /** How many pages a site has. @type {(site: number) => number} */
  countOf(site) { return Math.max(0, Math.ceil((this.layout.gpu_pages - (site % this.sites)) / this.sites)) }

  /** The n-th of them. @type {(site: number, n: number) => number} */
  nth(site, n) { return Math.floor(site / this.sites) * this.layout.gpu_pages + (site % this.sites) + n * this.sites }

  /** @type {(pages: Steps) => number} */
  mostCommon({first, step, end}) {
    /** @type {number[]} */
    const count = []
    let best = first
    for (let page = first; page < end; page += step) {
      const code = this.code(page)
      count[code] = (count[code] ?? 0) + 1
      if (count[code] > count[this.code(best)]) best = page
    }
    return best
  }

  /** Who holds a page, with how many tokens, since when. @type {(page: number, when: number) => string} */
  holder(page, when) {
    const owner = this.owner[page], {layers} = this.layout
    switch (this.state[page]) {
      case 0: return page >= this.scores[0] && page < this.scores[1] ? "attention scores of one layer" : "free"
      case 1: return `weights: ${owner < 0 ? "embedding" : owner < layers ? `layer ${owner}` : "final norm and head"}`
      case 2: return `reserved for sequence ${owner}, not used yet`
      default: return `sequence ${owner}${this.tokens(page, owner, when)}, allocated at context ${SPELL.count(this.since[page])}`
    }
  }

  /** Pages of one kind of layer hold a block of tokens each, in the order they were taken.
   * @type {(page: number, owner: number, when: number) => string} */
  tokens(page, owner, when) {
    const {block, shares, page_tokens} = this.layout
    if (!page_tokens) return ""
    const length = Math.ceil(when * shares[owner]), first = this.rank[page] * block, last = Math.min(length, first + block)
    return `, ${last - first} of ${block} tokens (${SPELL.count(first)} to ${SPELL.count(last - 1)} of ${SPELL.count(length)})`
  }
}
