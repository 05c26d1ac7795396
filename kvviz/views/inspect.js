// Looking closer: what a page is, on hover, and one site with every page a cell, on a click.
const SCENE = [944, 572] // the scene's own pixels

class Inspect {
  constructor(player, stage) {
    Object.assign(this, {player, stage, site: null})
    this.tip = document.createElement("div")
    this.tip.className = "tip"
    this.tip.hidden = true
    this.zoom = document.createElement("figure")
    this.zoom.className = "zoom"
    this.zoom.hidden = true
    this.zoom.innerHTML = `<figcaption></figcaption><button class="icon" aria-label="Close the site">✕</button><canvas></canvas>`
    stage.append(this.zoom, this.tip)
    stage.addEventListener("pointermove", (event) => this.hover(event))
    stage.addEventListener("pointerleave", () => { this.tip.hidden = true })
    stage.addEventListener("click", (event) => this.click(event))
    this.zoom.querySelector("button").onclick = (event) => { event.stopPropagation(); this.close() }
  }

  // Where the pointer is in the scene's own pixels, y up.
  point(event) {
    const box = this.stage.getBoundingClientRect()
    return [((event.clientX - box.left) / box.width) * SCENE[0], (1 - (event.clientY - box.top) / box.height) * SCENE[1]]
  }

  boxes() { return this.player.spilled ? this.player.model.places.fleet_sites : this.player.model.places.sites }

  siteAt([x, y]) {
    const {left, bottom, w, h} = this.boxes()
    return left.findIndex((at, i) => x >= at && x < at + w[i] && y >= bottom[i] && y < bottom[i] + h[i])
  }

  // The pages under the pointer: [first, count], or null.
  pagesAt(event) {
    if (!this.zoom.hidden) return this.zoomedAt(event)
    const point = this.point(event), site = this.siteAt(point)
    if (site < 0) return null
    const {left, bottom, w, h} = this.boxes(), {columns, rows} = this.player.model.layout
    const column = Math.floor(((point[0] - left[site]) / w[site]) * columns)
    const row = Math.floor(((point[1] - bottom[site]) / h[site]) * rows)
    const cell = this.player.pages.cellAt(row * columns + column)
    return cell === undefined ? null : this.player.pages.pagesOf(site, cell)
  }

  hover(event) {
    const pages = this.pagesAt(event), words = pages?.length ? this.words(pages) : this.explained(this.point(event))
    this.tip.hidden = !words
    if (!words) return
    this.tip.innerHTML = words
    const box = this.stage.getBoundingClientRect(), right = event.clientX - box.left > box.width / 2
    this.tip.style.left = right ? "" : `${event.clientX - box.left + 14}px`
    this.tip.style.right = right ? `${box.right - event.clientX + 14}px` : ""
    this.tip.style.top = `${Math.min(event.clientY - box.top + 12, box.height - 96)}px`
  }

  // What the die shows, told where it stands.
  explained([x, y]) {
    const {spilled, numbers, model} = this.player, {triangle, tracks} = model.places
    if (spilled || !this.zoom.hidden) return ""
    const [left, bottom, w, h] = triangle, n = SPELL.count(numbers.when)
    if (x >= left && x <= left + w && y >= bottom && y <= bottom + h)
      return `<b>Causal attention</b><br>Each token attends to itself and to all before it: query upward, key to the right. ` +
        `${n} tokens fill half of ${n}² squares, so twice the context takes four times the scores. Decode adds one row.`
    const meter = tracks.some(([a, middle, width]) => x >= a - 60 && x <= a + width + 44 && Math.abs(y - middle) < 12)
    return meter ? `<b>Roofline, not measured</b><br>Time that the units or the memory need of a step, as a share of it. ` +
      `Assumed: a roofline, MFU ${model.layout.mfu} and MBU ${model.layout.mbu} ${model.layout.rates_kind}; activations, launches and links are not counted.` : ""
  }

  words(list) {
    const {pages, numbers, model: {layout}} = this.player, page = pages.mostCommon(list)
    const name = list.length === 1 ? `Page ${SPELL.count(page)}` : `Pages ${SPELL.count(list[0])} to ${SPELL.count(list.at(-1))}, mostly`
    const size = `${bytes(layout.page_bytes)}${list.length > 1 ? " each" : ""}`
    return `<b>${name}</b><br>${pages.holder(page, numbers.when)}<br><small>${size}</small>`
  }

  click(event) {
    const site = this.zoom.hidden ? this.siteAt(this.point(event)) : -1
    if (site >= 0) this.open(site)
  }

  open(site) {
    this.site = site
    this.zoom.hidden = false
    this.tip.hidden = true
    const {gpus} = this.player.model.layout, sites = this.player.pages.images.length / gpus
    const gpu = gpus > 1 ? `GPU ${Math.floor(site / sites)}, ` : ""
    const name = this.player.model.places.site_names[site % sites]
    this.zoom.querySelector("figcaption").textContent = `${gpu}${name}: ${SPELL.count(this.own().length)} pages, one a cell`
    this.draw()
    this.zoom.querySelector("button").focus()
  }

  close() { this.site = null; this.zoom.hidden = true }

  own() { return this.player.pages.pagesOfSite(this.site) }

  // Fill order as on the scene: bands from the bottom, column by column.
  grid() {
    const canvas = this.zoom.querySelector("canvas"), count = this.own().length, {band} = this.player.model.layout
    const columns = Math.ceil(Math.sqrt((count * canvas.clientWidth) / Math.max(1, canvas.clientHeight)))
    return {canvas, columns, rows: Math.ceil(count / columns), band}
  }

  place(n, {columns, rows, band}) {
    const base = Math.min(Math.floor(n / (band * columns)) * band, rows), high = Math.min(band, rows - base), inside = n - base * columns
    return [Math.floor(inside / high), base + (inside % high)]
  }

  draw() {
    if (this.site === null) return
    const grid = this.grid(), {canvas, columns, rows} = grid, paint = canvas.getContext("2d")
    canvas.width = canvas.clientWidth
    canvas.height = canvas.clientHeight
    const palette = this.player.palette(), w = canvas.width / columns, h = canvas.height / rows, gap = w > 5 ? 1 : 0
    this.own().forEach((page, n) => {
      const code = this.player.pages.code(page), [column, row] = this.place(n, grid)
      if (!code) return
      paint.fillStyle = palette[code]
      paint.fillRect(column * w, canvas.height - (row + 1) * h, w - gap, h - gap)
    })
  }

  zoomedAt(event) {
    const grid = this.grid(), box = grid.canvas.getBoundingClientRect(), {columns, rows} = grid
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns)
    const row = Math.floor(((box.bottom - event.clientY) / box.height) * rows)
    if (column < 0 || row < 0 || column >= columns || row >= rows) return null
    const page = this.own().find((_, n) => { const [c, r] = this.place(n, grid); return c === column && r === row })
    return page === undefined ? null : [page]
  }
}

const bytes = (count) => (count >= 2 ** 20 ? `${grouped(count / 2 ** 20, 2).replace(/\.?0+$/, "")} MiB` : `${grouped(count / 1024, 0)} KiB`)
