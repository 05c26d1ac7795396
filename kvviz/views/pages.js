// Pages as cells: who holds each page, and the code of the cell it lies in.
class Pages {
  constructor(images, layout, order) {
    Object.assign(this, {images, layout, order, scores: [0, 0]})
    this.owner = new Int16Array(layout.pages)
    this.since = new Uint32Array(layout.pages)
    this.state = new Uint8Array(layout.pages)
    this.votes = new Uint16Array(32)
  }

  clear() {
    this.owner.fill(0)
    this.state.fill(0)
    for (const image of this.images) image.fill(0)
  }

  hold(page, count, owner, state, when) {
    const end = Math.min(page + count, this.layout.pages)
    for (let p = page; p < end; p++) {
      if (!this.state[p]) this.since[p] = when
      this.owner[p] = owner
      this.state[p] = state
    }
    this.paint(page, end)
  }

  // Scores take the next free pages; solid where they are in HBM.
  score(from, to) {
    const [a, b] = this.scores, limit = this.layout.pages
    this.scores = [Math.min(from, limit), Math.min(to, limit)]
    this.paint(Math.min(a, this.scores[0]), Math.max(a, this.scores[0]))
    this.paint(Math.min(b, this.scores[1]), Math.max(b, this.scores[1]))
  }

  code(page) {
    const {codes} = this.layout, owner = this.owner[page]
    switch (this.state[page]) {
      case 0: return page >= this.scores[0] && page < this.scores[1] ? codes.scores : codes.free
      case 1: return codes.weights + (owner & 1 ? 1 : 0)
      case 2: return codes.reserved
      default: return codes.sequence + (owner % 8)
    }
  }

  // Addresses go through one GPU after the other; on each, page p lies on site p mod sites.
  paint(from, to) {
    const {gpus, gpu_pages, pages_per_cell: each} = this.layout, sites = this.images.length / gpus
    for (let page = from; page < to; page++) {
      const gpu = Math.floor(page / gpu_pages), local = page - gpu * gpu_pages
      const site = local % sites, cell = Math.floor(Math.floor(local / sites) / each)
      this.images[gpu * sites + site][this.order[cell]] = each === 1 ? this.code(page) : this.majority(gpu, site, cell)
    }
  }

  majority(gpu, site, cell) {
    const {gpus, gpu_pages, pages_per_cell: each} = this.layout, sites = this.images.length / gpus
    this.votes.fill(0)
    let best = 0
    for (let i = cell * each; i < (cell + 1) * each; i++) {
      const local = i * sites + site
      if (local >= gpu_pages) break
      const code = this.code(gpu * gpu_pages + local)
      if (++this.votes[code] > this.votes[best] || code === best) best = code
    }
    return best
  }

  // The cell at a position of the image, undefined where the image is blank.
  cellAt(position) {
    this.cells ??= new Map(Array.from(this.order, (at, cell) => [at, cell]))
    return this.cells.get(position)
  }

  // The pages that a cell of a site stands for; sites are numbered through all GPUs.
  pagesOf(site, cell) {
    const each = this.layout.pages_per_cell
    return this.pagesOfSite(site).slice(cell * each, (cell + 1) * each)
  }

  pagesOfSite(site) {
    const {gpus, gpu_pages} = this.layout, sites = this.images.length / gpus, gpu = Math.floor(site / sites)
    const first = site % sites, count = Math.max(0, Math.ceil((gpu_pages - first) / sites))
    return Array.from({length: count}, (_, i) => gpu * gpu_pages + first + i * sites)
  }

  mostCommon(list) {
    const codes = list.map((page) => this.code(page)), count = (code) => codes.filter((c) => c === code).length
    return list[codes.indexOf(codes.reduce((best, code) => (count(code) > count(best) ? code : best)))]
  }

  // Who holds a page, with how many tokens, since when.
  holder(page, when) {
    const owner = this.owner[page], {layers} = this.layout
    switch (this.state[page]) {
      case 0: return page >= this.scores[0] && page < this.scores[1] ? "attention scores of one layer" : "free"
      case 1: return `weights: ${owner < 0 ? "embedding" : owner < layers ? `layer ${owner}` : "final norm and head"}`
      case 2: return `reserved for sequence ${owner}, no token yet`
      default: return `sequence ${owner}${this.tokens(page, owner, when)}, held since context ${SPELL.count(this.since[page])}`
    }
  }

  // Pages of one kind of layer hold a block of tokens each, in the order they were taken.
  tokens(page, owner, when) {
    const {block, shares, page_tokens} = this.layout
    if (!page_tokens) return ""
    let index = 0
    for (let p = 0; p < page; p++) if (this.owner[p] === owner && this.state[p] > 1) index++
    const length = Math.ceil(when * shares[owner]), first = index * block, last = Math.min(length, first + block)
    return `, ${last - first} of ${block} tokens (${SPELL.count(first)} to ${SPELL.count(last - 1)} of ${SPELL.count(length)})`
  }
}

// The outline of the cells below fill position `n`, in cells from the lower left: a stair of bands.
function skyline(n, {columns, rows, band}) {
  const base = Math.min(Math.floor(n / (band * columns)) * band, rows)
  const high = Math.min(band, rows - base)
  const inBand = high > 0 ? n - base * columns : 0
  const column = high > 0 ? Math.floor(inBand / high) : 0
  const top = base + (high > 0 ? inBand - column * high : 0)
  return [[0, base + high], [column, base + high], [column, top], [column + 1, top],
          [column + 1, base], [columns, base]].map(([x, y]) => [Math.min(x, columns), y])
}

// The polygon of fill positions from `a` to `b` on a site whose lower left is (left, bottom).
function region(a, b, layout, left, bottom, w, h) {
  const lower = column0(skyline(a, layout)), upper = column0(skyline(b, layout))
  const points = [...upper, ...lower.reverse()]
  return {
    xs: points.map(([x]) => left + (x * w) / layout.columns),
    ys: points.map(([, y]) => bottom + (y * h) / layout.rows),
  }
}

// A stair whose first column is empty starts at its band's floor.
const column0 = (points) => (points[1][0] === 0 ? points.slice(2) : points)
