// One pool's picture: paints the cells that changed, lines between regions, and plates on them.
import {STATE} from "./blocks.js"
/** @import {Blocks, Region} from "./blocks.js" */

const PLATE = 18, MOST_PLATES = 12 // px high, with room for so many
const GAP = 0.8, EDGE = 2.4, OUTLINE = 1.5, DOT = 2 // px: between cells, between regions, around what is followed, on what is cached

export class Cells {
  /** @type {Blocks} */
  blocks

  /** What a plate says of a region. @type {(owner: number, count: number) => string} */
  words

  /** @param {HTMLElement} host @param {string[]} palette */
  constructor(host, palette) {
    this.host = host
    this.palette = palette
    this.canvas = document.createElement("canvas")
    this.canvas.setAttribute("aria-hidden", "true")
    this.pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"))
    this.scale = 1 // the screen's pixels a px
    this.wide = 0 // in the screen's pixels
    this.high = 0
    this.across = 0 // of a cell
    this.down = 0
    /** Regions that have one, and the lines that each fills.
     * @type {(Region & {from: number, to: number})[]} */
    this.plated = []
    this.plates = document.createElement("div")
    this.plates.className = "plates"
    host.append(this.canvas, this.plates)
    this.sized = new ResizeObserver(() => this.resize())
    this.sized.observe(host)
  }

  /** @param {Blocks} blocks @param {(owner: number, count: number) => string} words */
  show(blocks, words) {
    this.blocks = blocks
    this.words = words
    Object.assign(this.canvas, {codes: blocks.codes})
    this.resize()
  }

  resize() {
    this.scale = devicePixelRatio
    this.wide = this.host.clientWidth * this.scale
    this.high = this.host.clientHeight * this.scale
    this.canvas.width = Math.round(this.wide)
    this.canvas.height = Math.round(this.high)
    this.redraw()
  }

  /** @type {(palette: string[]) => void} */
  recolour(palette) {
    this.palette = palette
    this.redraw()
  }

  redraw() {
    if (!this.blocks) return
    this.blocks.touchAll()
    this.paint()
  }

  paint() {
    const {blocks} = this, {columns, rows, marked} = blocks.grid
    if (!this.wide) return // not on the screen
    if (blocks.moved) {
      blocks.touchAll()
      this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height)
    }
    const changed = blocks.touches
    this.across = this.wide / columns
    this.down = this.high / rows
    blocks.drain((cell) => this.cell(cell, columns, marked))
    if (changed && marked && blocks.regions.size) this.edges()
    if (blocks.moved) this.places()
    blocks.moved = false
    this.spell()
  }

  /** Cells end on whole pixels, so that the gaps between them are all alike.
   * @type {(cell: number, columns: number, marked: boolean) => void} */
  cell(cell, columns, marked) {
    const {pen, palette, blocks, scale, across, down} = this, {codes} = blocks.layout
    const column = cell % columns, row = Math.floor(cell / columns), gap = marked ? Math.max(1, Math.round(GAP * scale)) : 0
    const x = Math.round(column * across), y = Math.round(row * down)
    const w = Math.round((column + 1) * across) - x - gap, h = Math.round((row + 1) * down) - y - gap
    pen.fillStyle = palette[blocks.codes[cell]]
    pen.fillRect(x, y, w, h)
    const mark = blocks.marks[cell], state = mark & 7
    if (state === STATE.cached || state === STATE.shared) {
      const dot = Math.max(1, Math.round(Math.min(DOT * scale, w - 2, h - 2)))
      pen.fillStyle = state === STATE.cached ? palette[codes.held + (blocks.owner[cell + 1] % 8)] : palette[codes.card]
      pen.fillRect(x + Math.floor((w - dot) / 2), y + Math.floor((h - dot) / 2), dot, dot)
    }
    if (mark & 8) {
      pen.strokeStyle = palette[codes.followed]
      pen.lineWidth = OUTLINE * scale
      pen.strokeRect(x - gap / 2, y - gap / 2, w + gap, h + gap)
    }
  }

  edges() {
    const {columns, rows, blocks: pool} = this.blocks.grid, {pen, across, down, wide} = this
    pen.strokeStyle = this.palette[this.blocks.layout.codes.card]
    pen.lineWidth = EDGE * this.scale
    pen.beginPath()
    /** @type {(x0: number, y0: number, x1: number, y1: number) => void} */
    const line = (x0, y0, x1, y1) => { pen.moveTo(x0, y0); pen.lineTo(x1, y1) }
    const border = (/** @type {number} */ block) => {
      const row = Math.floor((block - 1) / columns), x = ((block - 1) % columns) * across, y = row * down
      if (row < rows) line(x, y, wide, y)
      if (x) { line(0, y + down, x, y + down); line(x, y, x, y + down) }
    }
    for (const {first, count} of this.blocks.regions.values()) {
      if (first > 1) border(first)
      if (first + count <= pool) border(first + count)
    }
    pen.stroke()
  }

  /** A plate at the right of every region that is high enough for one. */
  places() {
    const {grid: {columns, rows, marked}, regions} = this.blocks, few = marked && regions.size <= MOST_PLATES
    const shown = few ? [...regions.values()].map((region) => {
      const from = Math.ceil((region.first - 1) / columns), to = Math.floor((region.first - 1 + region.count) / columns)
      return {...region, from, to}
    }).filter(({from, to}) => ((to - from) * this.down) / this.scale >= PLATE) : []
    this.plates.replaceChildren(...shown.map(({from, to}) => {
      const plate = document.createElement("span")
      plate.style.top = `${(50 * (from + to)) / rows}%`
      return plate
    }))
    this.plated = shown
  }

  spell() {
    this.plated.forEach(({owner, count}, i) => {
      const text = this.words(owner, count), plate = this.plates.children[i]
      if (plate.textContent !== text) plate.textContent = text
    })
  }
}
