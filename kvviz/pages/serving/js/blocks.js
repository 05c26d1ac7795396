// The blocks of one pool: who holds each, and the code of the cell it lies in.
/** @import {Grid, Layout, Run} from "./payloads.d.ts" */
/** Blocks reserved for a request. @typedef {{owner: number, first: number, count: number}} Region */
export const STATE = {free: 0, reserved: 2, used: 3, cached: 4, shared: 5}

export class Blocks {
  /** @param {Pick<Run, "changes" | "unit">} run @param {Grid} grid @param {Pick<Layout, "codes">} layout */
  constructor({changes, unit}, grid, layout) {
    this.changes = changes
    this.unit = unit
    this.grid = grid
    this.layout = layout
    this.followed = -1 // request
    this.count = 0 // blocks drawn as the followed request's
    this.runs = 0 // of neighbours, in which they lie
    this.moved = true // whether what is drawn between cells, regions' edges and outlines, is no more as it was
    this.next = 0 // change
    this.when = -1
    this.touches = 0
    this.counts = new Uint32Array(6) // blocks in each state
    /** By their first block. @type {Map<number, Region>} */
    this.regions = new Map()
    this.cells = Math.ceil(grid.blocks / grid.each)
    this.codes = new Uint8Array(this.cells)
    this.marks = new Uint8Array(this.cells) // the state of a cell's block, and whether it is the followed request's
    this.stale = new Uint8Array(this.cells)
    this.touched = new Uint32Array(this.cells) // cells that are stale, as many as `touches`
    this.owner = new Int32Array(grid.blocks + 2)
    this.state = new Uint8Array(grid.blocks + 2)
    this.votes = new Uint32Array(layout.codes.card)
    this.clear()
  }

  clear() {
    const {codes} = this.layout, {blocks} = this.grid
    Object.assign(this, {next: 0, when: -1, count: 0, runs: 0, moved: true})
    this.regions.clear()
    this.counts.fill(0)
    this.owner.fill(-1)
    this.state.fill(STATE.free)
    this.counts[STATE.free] = blocks
    this.codes.fill(codes.free)
    this.marks.fill(STATE.free)
    this.touchAll()
  }

  /** Makes all changes up to a time, that very moment's included; says whether there were any.
   * @type {(seconds: number) => boolean} */
  seek(seconds) {
    const {when} = this.changes, now = Math.floor(seconds / this.unit + 1e-6), from = this.next
    const back = now < this.when
    if (back) this.clear()
    this.when = now
    while (this.next < when.length && when[this.next] <= now) this.change(this.next++)
    return back || this.next !== from
  }

  /** @type {(i: number) => void} */
  change(i) {
    const {page, pages, owner, state} = this.changes, first = page[i], end = first + pages[i]
    if (state[i] === STATE.reserved) {
      this.regions.set(first, {owner: owner[i], first, count: pages[i]})
      this.moved = true
    }
    if (state[i] === STATE.free)
      for (const start of this.regions.keys()) if (start >= first && start < end) this.moved = this.regions.delete(start)
    for (let block = first; block < end; block++) this.put(block, owner[i], state[i])
  }

  /** @type {(block: number, owner: number, state: number) => void} */
  put(block, owner, state) {
    this.counts[this.state[block]]--
    this.counts[state]++
    const held = this.holds(block)
    if (held) this.countRuns(block, -1)
    this.owner[block] = owner
    this.state[block] = state
    if (this.holds(block)) this.countRuns(block, 1)
    else if (held) this.moved = true
    this.touch(Math.floor((block - 1) / this.grid.each))
  }

  /** Whether a block is drawn as the followed request's. @type {(block: number) => boolean} */
  holds(block) {
    return this.owner[block] === this.followed && (this.state[block] === STATE.used || this.state[block] === STATE.shared)
  }

  /** How many blocks are drawn as a request's. @type {(request: number) => number} */
  heldBy(request) {
    if (request === this.followed) return this.count
    let count = 0
    for (let block = 1; block <= this.grid.blocks; block++)
      if (this.owner[block] === request && (this.state[block] === STATE.used || this.state[block] === STATE.shared)) count++
    return count
  }

  /** Counts a block of the followed request in or out: a run of neighbours begins, grows, joins or parts.
   * @type {(block: number, by: 1 | -1) => void} */
  countRuns(block, by) {
    this.count += by
    this.runs += by * (1 - Number(this.holds(block - 1)) - Number(this.holds(block + 1)))
  }

  /** @type {(cell: number) => void} */
  touch(cell) {
    if (this.stale[cell]) return
    this.stale[cell] = 1
    this.touched[this.touches++] = cell
  }

  touchAll() {
    this.stale.fill(1)
    for (let cell = 0; cell < this.cells; cell++) this.touched[cell] = cell
    this.touches = this.cells
  }

  /** Tells of every cell that may have changed since it was last asked.
   * @type {(draw: (cell: number) => void) => void} */
  drain(draw) {
    for (let i = 0; i < this.touches; i++) {
      const cell = this.touched[i]
      this.stale[cell] = 0
      this.codes[cell] = this.grid.each === 1 ? this.code(cell + 1) : this.majority(cell)
      this.marks[cell] = this.grid.marked ? this.state[cell + 1] | (Number(this.holds(cell + 1)) << 3) : 0
      draw(cell)
    }
    this.touches = 0
  }

  /** @type {(block: number) => number} */
  code(block) {
    const {codes} = this.layout, owner = this.owner[block]
    switch (this.state[block]) {
      case STATE.free: return codes.free
      case STATE.reserved: return codes.reserved
      case STATE.cached: return codes.cached + (owner % 8)
      default: return owner === this.followed && !this.grid.marked ? codes.followed : codes.held + (owner % 8)
    }
  }

  /** @type {(cell: number) => number} */
  majority(cell) {
    const {each, blocks} = this.grid
    this.votes.fill(0)
    let best = 0
    for (let block = cell * each + 1; block <= Math.min((cell + 1) * each, blocks); block++) {
      const code = this.code(block)
      if (++this.votes[code] > this.votes[best] || code === best) best = code
    }
    return best
  }

  /** @type {(request: number) => void} */
  follow(request) {
    const before = this.followed
    Object.assign(this, {followed: request, count: 0, runs: 0, moved: true})
    for (let block = 1; block <= this.grid.blocks; block++) {
      if (this.owner[block] !== before && this.owner[block] !== request) continue
      this.touch(Math.floor((block - 1) / this.grid.each))
      if (!this.holds(block)) continue
      this.count++
      if (!this.holds(block - 1)) this.runs++
    }
  }

  /** The block at a place, given as shares of the figure from its upper left.
   * @type {(x: number, y: number) => number | undefined} */
  blockAt(x, y) {
    const {columns, rows, each, blocks} = this.grid
    const cell = Math.floor(y * rows) * columns + Math.floor(x * columns), block = cell * each + 1
    return x >= 0 && x < 1 && y >= 0 && y < 1 && block <= blocks ? block : undefined
  }
}
