// Pages as cells: who holds each page, and the code of the cell it lies in.
class Pages {
  constructor(images, layout, order) {
    Object.assign(this, {images, layout, order, scores: [0, 0]})
    this.owner = new Int16Array(layout.pages)
    this.state = new Uint8Array(layout.pages)
    this.votes = new Uint16Array(32)
  }

  clear() {
    this.owner.fill(0)
    this.state.fill(0)
    for (const image of this.images) image.fill(0)
  }

  hold(page, count, owner, state) {
    const end = Math.min(page + count, this.layout.pages)
    for (let p = page; p < end; p++) { this.owner[p] = owner; this.state[p] = state }
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

  paint(from, to) {
    const sites = this.images.length, each = this.layout.pages_per_cell
    for (let page = from; page < to; page++) {
      const site = page % sites, cell = Math.floor(Math.floor(page / sites) / each)
      this.images[site][this.order[cell]] = each === 1 ? this.code(page) : this.majority(site, cell)
    }
  }

  majority(site, cell) {
    const sites = this.images.length, each = this.layout.pages_per_cell
    this.votes.fill(0)
    let best = 0
    for (let i = cell * each; i < (cell + 1) * each; i++) {
      const page = i * sites + site
      if (page >= this.layout.pages) break
      const code = this.code(page)
      if (++this.votes[code] > this.votes[best] || code === best) best = code
    }
    return best
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
