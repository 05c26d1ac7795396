// The blocks of one pool: who holds each, and the code of the cell it lies in.
const STATE = {free: 0, reserved: 2, used: 3, cached: 4, shared: 5}
const PLATE = 18, MOST_PLATES = 12 // px high, with room for so many

class Blocks {
  constructor({changes, unit}, grid, layout, Image) {
    Object.assign(this, {changes, unit, grid, layout, followed: -1})
    this.image = new Image(grid.rows * grid.columns, [grid.rows, grid.columns])
    this.owner = new Int32Array(grid.blocks + 1)
    this.state = new Uint8Array(grid.blocks + 1)
    this.votes = new Uint32Array(layout.codes.blank + 1)
    this.clear()
  }

  clear() {
    const {codes} = this.layout, {blocks, each} = this.grid
    Object.assign(this, {next: 0, when: -1, regions: new Map(), counts: new Uint32Array(6)})
    this.owner.fill(-1)
    this.state.fill(STATE.free)
    this.counts[STATE.free] = blocks
    this.image.fill(codes.blank)
    for (let cell = 0; cell * each < blocks; cell++) this.image[this.at(cell)] = codes.free
  }

  // Makes all changes up to a time, that very moment's included; says whether there were any.
  seek(seconds) {
    const {when} = this.changes, now = Math.floor(seconds / this.unit + 1e-6), from = this.next
    const back = now < this.when
    if (back) this.clear()
    this.when = now
    while (this.next < when.length && when[this.next] <= now) this.hold(this.next++)
    return back || this.next !== from
  }

  hold(i) {
    const {page, pages, owner, state} = this.changes, first = page[i], end = first + pages[i]
    if (state[i] === STATE.reserved) this.regions.set(first, {owner: owner[i], first, count: pages[i]})
    if (state[i] === STATE.free)
      for (const start of this.regions.keys()) if (start >= first && start < end) this.regions.delete(start)
    for (let block = first; block < end; block++) {
      this.counts[this.state[block]]--
      this.counts[state[i]]++
      this.owner[block] = owner[i]
      this.state[block] = state[i]
      this.paint(block)
    }
  }

  // Where in the image a cell lies: its first row is the lowest.
  at(cell) {
    const {columns, rows} = this.grid
    return (rows - 1 - Math.floor(cell / columns)) * columns + (cell % columns)
  }

  cellOf(block) { return Math.floor((block - 1) / this.grid.each) }

  paint(block) {
    const cell = this.cellOf(block)
    this.image[this.at(cell)] = this.grid.each === 1 ? this.code(block) : this.majority(cell)
  }

  code(block) {
    const {codes} = this.layout, owner = this.owner[block]
    switch (this.state[block]) {
      case STATE.free: return codes.free
      case STATE.reserved: return codes.reserved
      case STATE.cached: return codes.cached + (owner % 8)
      default: return owner === this.followed && !this.grid.marked ? codes.followed : codes.held + (owner % 8)
    }
  }

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

  holds(block, request) {
    return this.owner[block] === request && (this.state[block] === STATE.used || this.state[block] === STATE.shared)
  }

  // Blocks drawn as a request's, and in how many runs of neighbours they lie.
  heldBy(request) {
    let count = 0, runs = 0
    for (let block = 1; block <= this.grid.blocks; block++)
      if (this.holds(block, request)) {
        count++
        if (!this.holds(block - 1, request)) runs++
      }
    return {count, runs}
  }

  follow(request) {
    const before = this.followed
    this.followed = request
    if (!this.grid.marked)
      for (let block = 1; block <= this.grid.blocks; block++)
        if (this.owner[block] === before || this.owner[block] === request) this.paint(block)
  }

  // The middle of a block's cell, in the figure's coordinates.
  middle(block) {
    const {columns, rows} = this.grid, {width, height} = this.layout, cell = this.cellOf(block)
    return [((cell % columns) + 0.5) * (width / columns), height - (Math.floor(cell / columns) + 0.5) * (height / rows)]
  }

  // Dots of what is cached, marks of what is shared, outlines of what the followed request holds.
  marks() {
    const dots = {x: [], y: [], colour: []}, shared = {x: [], y: []}, followed = {x: [], y: [], w: [], h: []}
    if (!this.grid.marked) return {dots, shared, followed}
    const w = this.layout.width / this.grid.columns - 1, h = this.layout.height / this.grid.rows - 1
    const add = (columns, values) => Object.keys(columns).forEach((name, i) => columns[name].push(values[i]))
    for (let block = 1; block <= this.grid.blocks; block++) {
      const state = this.state[block]
      if (state === STATE.cached) add(dots, [...this.middle(block), this.owner[block] % 8])
      if (state === STATE.shared) add(shared, this.middle(block))
      if (this.holds(block, this.followed)) add(followed, [...this.middle(block), w, h])
    }
    return {dots, shared, followed}
  }

  // Lines between regions, and plates on those that are high enough.
  outlines(words) {
    const edges = {x0: [], y0: [], x1: [], y1: []}, plates = {x: [], y: [], text: []}
    const {columns, rows} = this.grid, {width, height} = this.layout, down = height / rows
    const line = (x0, y0, x1, y1) => { edges.x0.push(x0); edges.y0.push(y0); edges.x1.push(x1); edges.y1.push(y1) }
    const border = (block) => {
      const cell = block - 1, row = Math.floor(cell / columns)
      const x = (cell % columns) * (width / columns), y = height - row * down
      if (row < rows) line(x, y, width, y)
      if (x) { line(0, y - down, x, y - down); line(x, y, x, y - down) }
    }
    if (!this.grid.marked) return {edges, plates} // lines would cover the cells
    for (const {owner, first, count} of this.regions.values()) {
      if (first > 1) border(first)
      if (first + count <= this.grid.blocks) border(first + count)
      const from = Math.ceil((first - 1) / columns), to = Math.floor((first - 1 + count) / columns)
      if ((to - from) * down < PLATE || this.regions.size > MOST_PLATES) continue
      plates.x.push(width - 8)
      plates.y.push(height - ((from + to) / 2) * down)
      plates.text.push(words(owner, count))
    }
    return {edges, plates}
  }

  // The block at a place, given as shares of the figure from its upper left.
  blockAt(x, y) {
    const {columns, rows, each, blocks} = this.grid
    const cell = Math.floor(y * rows) * columns + Math.floor(x * columns), block = cell * each + 1
    return x >= 0 && x < 1 && y >= 0 && y < 1 && block <= blocks ? block : undefined
  }
}
