// Looking closer: what a page is, on hover, and one site with every page a cell, on a click.
import {find} from "../../kit/js/element.js"
import {SPELL, grouped} from "../../kit/js/numbers.js"
import {numberAt, placeOf} from "./raster.js"
import {ACROSS, UP} from "./texts.js"
/** @import {Steps} from "./pages.js" */
/** @import {Scene} from "./scene.js" */
const GHOST = 0.3 // how strongly a page is painted that avoided scores would take

export class Inspect {
  /** @param {HTMLElement} root @param {() => Scene} scene */
  constructor(root, scene) {
    this.root = root
    this.scene = scene
    /** The site that is looked at closely. @type {number | null} */
    this.site = null
    this.tip = document.createElement("div")
    this.tip.className = "tip"
    this.tip.hidden = true
    this.zoom = document.createElement("figure")
    this.zoom.className = "zoom"
    this.zoom.hidden = true
    this.zoom.innerHTML = `<figcaption></figcaption><button class="icon" aria-label="Close the site">✕</button><canvas></canvas>`
    root.append(this.zoom, this.tip)
    root.addEventListener("pointermove", (event) => this.hover(event))
    root.addEventListener("pointerleave", () => { this.tip.hidden = true })
    root.addEventListener("click", (event) => this.click(event))
    find(this.zoom, "button").onclick = (event) => { event.stopPropagation(); this.close() }
  }

  /** Where the pointer is in the scene's own pixels, y up. @type {(event: MouseEvent) => [number, number]} */
  point(event) {
    const box = this.root.getBoundingClientRect()
    return [((event.clientX - box.left) / box.width) * ACROSS, (1 - (event.clientY - box.top) / box.height) * UP]
  }

  /** @type {(point: [number, number]) => number} */
  siteAt([x, y]) {
    const {left, bottom, w, h} = this.scene().sites()
    return left.findIndex((at, i) => x >= at && x < at + w[i] && y >= bottom[i] && y < bottom[i] + h[i])
  }

  /** The pages under the pointer, or null. @type {(event: MouseEvent) => Steps | null} */
  pagesAt(event) {
    if (!this.zoom.hidden) return this.zoomedAt(event)
    const [x, y] = this.point(event), site = this.siteAt([x, y])
    if (site < 0) return null
    const {pages, layout: {columns, rows}} = this.scene(), {left, bottom, w, h} = this.scene().sites()
    const column = Math.floor(((x - left[site]) / w[site]) * columns)
    const row = Math.floor(((y - bottom[site]) / h[site]) * rows)
    const cell = pages.cellAt(column, row)
    return cell === undefined ? null : pages.pagesOf(site, cell)
  }

  /** @type {(event: PointerEvent) => void} */
  hover(event) {
    const pages = this.pagesAt(event), words = pages ? this.words(pages) : this.explained(event)
    this.tip.hidden = !words
    if (!words) return
    this.tip.innerHTML = words
    const box = this.root.getBoundingClientRect(), right = event.clientX - box.left > box.width / 2
    this.tip.style.left = right ? "" : `${event.clientX - box.left + 14}px`
    this.tip.style.right = right ? `${box.right - event.clientX + 14}px` : ""
    this.tip.style.top = `${Math.min(event.clientY - box.top + 12, box.height - this.tip.offsetHeight - 8)}px`
  }

  /** What the die shows, told where it stands; a number of the scene says how it is known itself.
   * @type {(event: PointerEvent) => string} */
  explained(event) {
    const {spilled, numbers, shape, layout} = this.scene()
    if (spilled || !this.zoom.hidden || /** @type {HTMLElement} */ (event.composedPath()[0]).title) return ""
    const [x, y] = this.point(event), [left, bottom, w, h] = shape.triangle, n = SPELL.count(numbers.when)
    if (x >= left && x <= left + w && y >= bottom && y <= bottom + h)
      return `<b>Causal attention</b><br>Each token attends to itself and to all earlier tokens: queries go up, keys to the right. ` +
        `${n} tokens fill half of ${n}² squares, so twice the context takes four times the scores. Decode adds one row.`
    const meter = shape.tracks.left.some((a, i) => x >= a - 56 && x <= a + shape.tracks.w[i] + 46 && Math.abs(y - shape.tracks.y[i]) < 12)
    return meter ? `<b>Roofline, not measured</b><br>How much of a step’s time compute or memory needs. ` +
      `Assumed: roofline with MFU ${layout.mfu} and MBU ${layout.mbu} ${layout.rates_kind}; activations and interconnect are not counted, kernel launches only where fitted to a run on that GPU.` : ""
  }

  /** @type {(list: Steps) => string} */
  words(list) {
    const {pages, numbers, layout} = this.scene(), page = pages.mostCommon(list), {first, step, end} = list
    const count = Math.ceil((end - first) / step), last = first + (count - 1) * step
    const name = count === 1 ? `Page ${SPELL.count(page)}` : `Pages ${SPELL.count(first)} to ${SPELL.count(last)}, mostly`
    const size = `${bytes(layout.page_bytes)}${count > 1 ? " each" : ""}`
    const [held, note] = this.scores(page)
    return `<b>${name}</b><br>${pages.holder(page, numbers.when)}${held}<br><small>computed; ${size}</small>${note}`
  }

  /** Whether scores that FlashAttention never writes would be on a page. @type {(page: number) => boolean} */
  avoided(page) {
    const {pages, numbers: {held_pages, avoided}, layout, spilled} = this.scene()
    return !spilled && pages.state[page] === 0 && page >= held_pages && page < held_pages + Math.ceil(avoided / layout.page_bytes)
  }

  /** What is told of a page that attention scores take, or would take, and how many copies were measured.
   * @type {(page: number) => [string, string]} */
  scores(page) {
    const {pages, layout} = this.scene(), ghost = this.avoided(page)
    const there = page >= pages.scores[0] && page < pages.scores[1]
    const note = (ghost || there) && layout.copies ? `<br><small>${layout.copies}</small>` : ""
    return [ghost ? ": attention scores would be here without FlashAttention" : "", note]
  }

  /** @type {(event: MouseEvent) => void} */
  click(event) {
    const site = this.zoom.hidden ? this.siteAt(this.point(event)) : -1
    if (site >= 0) this.open(site)
  }

  /** @type {(site: number) => void} */
  open(site) {
    this.site = site
    this.zoom.hidden = false
    this.tip.hidden = true
    const {pages, layout: {gpus}, places} = this.scene()
    const gpu = gpus > 1 ? `GPU ${Math.floor(site / pages.sites)}, ` : ""
    const name = places.site_names[site % pages.sites]
    find(this.zoom, "figcaption").textContent = `${gpu}${name}: ${SPELL.count(pages.countOf(site))} pages, one per cell`
    this.draw()
    find(this.zoom, "button").focus()
  }

  close() { this.site = null; this.zoom.hidden = true }

  /** Fill order as on the scene: bands from the bottom, column by column.
   * @type {(site: number) => {canvas: HTMLCanvasElement, count: number, columns: number, rows: number, band: number}} */
  grid(site) {
    const {pages, layout: {band}} = this.scene(), canvas = find(this.zoom, "canvas"), count = pages.countOf(site)
    const columns = Math.ceil(Math.sqrt((count * canvas.clientWidth) / Math.max(1, canvas.clientHeight)))
    return {canvas, count, columns, rows: Math.ceil(count / columns), band}
  }

  draw() {
    const {site} = this, paint = find(this.zoom, "canvas").getContext("2d")
    if (site === null || !paint) return
    const grid = this.grid(site), {canvas, count, columns, rows} = grid, {pages, layout: {codes}} = this.scene()
    canvas.width = canvas.clientWidth
    canvas.height = canvas.clientHeight
    const palette = this.scene().palette(), w = canvas.width / columns, h = canvas.height / rows, gap = w > 5 ? 1 : 0
    for (let n = 0; n < count; n++) {
      const page = pages.nth(site, n), ghost = this.avoided(page), code = ghost ? codes.scores : pages.code(page)
      if (!code) continue
      paint.globalAlpha = ghost ? GHOST : 1
      const [column, row] = placeOf(n, grid)
      paint.fillStyle = palette[code]
      paint.fillRect(column * w, canvas.height - (row + 1) * h, w - gap, h - gap)
    }
  }

  /** @type {(event: MouseEvent) => Steps | null} */
  zoomedAt(event) {
    const {site} = this
    if (site === null) return null
    const grid = this.grid(site), box = grid.canvas.getBoundingClientRect(), {columns, rows, count} = grid
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns)
    const row = Math.floor(((box.bottom - event.clientY) / box.height) * rows)
    if (column < 0 || row < 0 || column >= columns || row >= rows) return null
    const n = numberAt(column, row, grid), first = this.scene().pages.nth(site, n)
    return n < count ? {first, step: 1, end: first + 1} : null
  }
}

/** @type {(count: number) => string} */
const bytes = (count) => (count >= 2 ** 20 ? `${grouped(count / 2 ** 20, 2).replace(/\.?0+$/, "")} MiB` : `${grouped(count / 1024, 0)} KiB`)
