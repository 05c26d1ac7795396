// Looking closer: what a page is, on hover, and one site with every page a cell, on a click.
const GHOST = 0.3 // how strongly a page is painted that avoided scores would take

class Inspect {
  constructor(player, scene) {
    Object.assign(this, {player, scene, site: null})
    this.tip = document.createElement("div")
    this.tip.className = "tip"
    this.tip.hidden = true
    this.zoom = document.createElement("figure")
    this.zoom.className = "zoom"
    this.zoom.hidden = true
    this.zoom.innerHTML = `<figcaption></figcaption><button class="icon" aria-label="Close the site">✕</button><canvas></canvas>`
    scene.append(this.zoom, this.tip)
    scene.addEventListener("pointermove", (event) => this.hover(event))
    scene.addEventListener("pointerleave", () => { this.tip.hidden = true })
    scene.addEventListener("click", (event) => this.click(event))
    this.zoom.querySelector("button").onclick = (event) => { event.stopPropagation(); this.close() }
  }

  // Where the pointer is in the scene's own pixels, y up.
  point(event) {
    const box = this.scene.getBoundingClientRect()
    return [((event.clientX - box.left) / box.width) * ACROSS, (1 - (event.clientY - box.top) / box.height) * UP]
  }

  boxes() { return this.player.spilled ? this.player.fleet.places.sites : this.player.places.figure.sites }

  siteAt([x, y]) {
    const {left, bottom, w, h} = this.boxes()
    return left.findIndex((at, i) => x >= at && x < at + w[i] && y >= bottom[i] && y < bottom[i] + h[i])
  }

  // The pages under the pointer, or null.
  pagesAt(event) {
    if (!this.zoom.hidden) return this.zoomedAt(event)
    const point = this.point(event), site = this.siteAt(point)
    if (site < 0) return null
    const {left, bottom, w, h} = this.boxes(), {columns, rows} = this.player.layout
    const column = Math.floor(((point[0] - left[site]) / w[site]) * columns)
    const row = Math.floor(((point[1] - bottom[site]) / h[site]) * rows)
    const cell = this.player.pages.cellAt(column, row)
    return cell === undefined ? null : this.player.pages.pagesOf(site, cell)
  }

  hover(event) {
    const pages = this.pagesAt(event), words = pages ? this.words(pages) : this.explained(event)
    this.tip.hidden = !words
    if (!words) return
    this.tip.innerHTML = words
    const box = this.scene.getBoundingClientRect(), right = event.clientX - box.left > box.width / 2
    this.tip.style.left = right ? "" : `${event.clientX - box.left + 14}px`
    this.tip.style.right = right ? `${box.right - event.clientX + 14}px` : ""
    this.tip.style.top = `${Math.min(event.clientY - box.top + 12, box.height - this.tip.offsetHeight - 8)}px`
  }

  // What the die shows, told where it stands; a number of the scene says how it is known itself.
  explained(event) {
    const {spilled, numbers, shape, layout} = this.player
    if (spilled || !this.zoom.hidden || event.composedPath()[0].title) return ""
    const [x, y] = this.point(event), [left, bottom, w, h] = shape.triangle, n = SPELL.count(numbers.when)
    if (x >= left && x <= left + w && y >= bottom && y <= bottom + h)
      return `<b>Causal attention</b><br>Each token attends to itself and to all before it: query upward, key to the right. ` +
        `${n} tokens fill half of ${n}² squares, so twice the context takes four times the scores. Decode adds one row.`
    const meter = shape.tracks.left.some((a, i) => x >= a - 56 && x <= a + shape.tracks.w[i] + 46 && Math.abs(y - shape.tracks.y[i]) < 12)
    return meter ? `<b>Roofline, not measured</b><br>Time that the units or the memory need of a step, as a share of it. ` +
      `Assumed: a roofline, MFU ${layout.mfu} and MBU ${layout.mbu} ${layout.rates_kind}; activations and links are not counted, launches where a run on that GPU was fitted.` : ""
  }

  words(list) {
    const {pages, numbers, layout} = this.player, page = pages.mostCommon(list), {first, step, end} = list
    const count = Math.ceil((end - first) / step), last = first + (count - 1) * step
    const name = count === 1 ? `Page ${SPELL.count(page)}` : `Pages ${SPELL.count(first)} to ${SPELL.count(last)}, mostly`
    const size = `${bytes(layout.page_bytes)}${count > 1 ? " each" : ""}`
    const [held, note] = this.scores(page)
    return `<b>${name}</b><br>${pages.holder(page, numbers.when)}${held}<br><small>computed; ${size}</small>${note}`
  }

  // Whether scores that FlashAttention never writes would be on a page.
  avoided(page) {
    const {pages, numbers: {held_pages, avoided}, layout, spilled} = this.player
    return !spilled && pages.state[page] === 0 && page >= held_pages && page < held_pages + Math.ceil(avoided / layout.page_bytes)
  }

  // What is told of a page that attention scores take, or would take, and how many copies were measured.
  scores(page) {
    const {pages, layout} = this.player, ghost = this.avoided(page)
    const there = page >= pages.scores[0] && page < pages.scores[1]
    const note = (ghost || there) && layout.copies ? `<br><small>${layout.copies}</small>` : ""
    return [ghost ? ": scores that FlashAttention never writes would be here" : "", note]
  }

  click(event) {
    const site = this.zoom.hidden ? this.siteAt(this.point(event)) : -1
    if (site >= 0) this.open(site)
  }

  open(site) {
    this.site = site
    this.zoom.hidden = false
    this.tip.hidden = true
    const {pages, layout: {gpus}, places} = this.player
    const gpu = gpus > 1 ? `GPU ${Math.floor(site / pages.sites)}, ` : ""
    const name = places.site_names[site % pages.sites]
    this.zoom.querySelector("figcaption").textContent = `${gpu}${name}: ${SPELL.count(pages.countOf(site))} pages, one a cell`
    this.draw()
    this.zoom.querySelector("button").focus()
  }

  close() { this.site = null; this.zoom.hidden = true }

  // Fill order as on the scene: bands from the bottom, column by column.
  grid() {
    const canvas = this.zoom.querySelector("canvas"), count = this.player.pages.countOf(this.site), {band} = this.player.layout
    const columns = Math.ceil(Math.sqrt((count * canvas.clientWidth) / Math.max(1, canvas.clientHeight)))
    return {canvas, count, columns, rows: Math.ceil(count / columns), band}
  }

  draw() {
    if (this.site === null) return
    const grid = this.grid(), {canvas, count, columns, rows} = grid, {pages, layout: {codes}} = this.player, paint = canvas.getContext("2d")
    canvas.width = canvas.clientWidth
    canvas.height = canvas.clientHeight
    const palette = this.player.palette(), w = canvas.width / columns, h = canvas.height / rows, gap = w > 5 ? 1 : 0
    for (let n = 0; n < count; n++) {
      const page = pages.nth(this.site, n), ghost = this.avoided(page), code = ghost ? codes.scores : pages.code(page)
      if (!code) continue
      paint.globalAlpha = ghost ? GHOST : 1
      const [column, row] = placeOf(n, grid)
      paint.fillStyle = palette[code]
      paint.fillRect(column * w, canvas.height - (row + 1) * h, w - gap, h - gap)
    }
  }

  zoomedAt(event) {
    const grid = this.grid(), box = grid.canvas.getBoundingClientRect(), {columns, rows, count} = grid
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns)
    const row = Math.floor(((box.bottom - event.clientY) / box.height) * rows)
    if (column < 0 || row < 0 || column >= columns || row >= rows) return null
    const n = numberAt(column, row, grid), first = this.player.pages.nth(this.site, n)
    return n < count ? {first, step: 1, end: first + 1} : null
  }
}

const bytes = (count) => (count >= 2 ** 20 ? `${grouped(count / 2 ** 20, 2).replace(/\.?0+$/, "")} MiB` : `${grouped(count / 1024, 0)} KiB`)
