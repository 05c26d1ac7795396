// The pool as a grid of cells on one canvas: it fills block by block, and tells of each one.
import {element, find} from "../../kit/js/element.js"
import {nextTo, owners, runsOf} from "./blocks.js"
import {mixed} from "./colour.js"
/** @import {Held} from "./blocks.js" */
/** @import {Pool, Shape} from "./payloads.d.ts" */
const NAMES = "ABC", STEP_MS = 40, FADE_MS = 120, MOST_MS = 2560, NARROW_PX = 700, LABEL_PX = 8, MOST_RUNS = 8
const TONES = 32 // from the first block of a sequence to its last
const ROLES = ["free", "line", "in-use1", "in-use2", "seq0", "seq1", "text1", "card"]

export class PoolView {
  /** @type {Pool} */
  pool

  constructor() {
    this.box = element(`<div class="pool"><canvas tabindex="0" role="img"></canvas><div class="runs" aria-hidden="true"></div>
    <div class="tip" role="status" hidden></div></div>`)
    this.canvas = find(this.box, "canvas")
    this.pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"))
    this.runs = find(this.box, ".runs")
    this.tip = find(this.box, ".tip")
    /** @type {Map<number, Held[]>} */
    this.held = new Map()
    /** @type {Shape} */
    this.shape = [1, 1, 1]
    this.cell = 1 // px
    this.at = -1 // cell that is told of
    this.frame = 0
    /** When the filling began; all is there at minus infinity. @type {number | null} */
    this.started = -Infinity
    /** @type {{[role: string]: string}} */
    this.colours = {}
    /** @type {string[]} */
    this.ramp = []
    this.listen()
    new ResizeObserver(() => this.resized()).observe(this.box)
  }

  /** @type {(pool: Pool, tables: ArrayLike<number>, play: boolean) => void} */
  show(pool, tables, play) {
    this.pool = pool
    this.held = owners(pool, tables)
    this.canvas.setAttribute("aria-label", pool.said)
    this.started = play ? null : -Infinity
    if (this.box.clientWidth) this.resized()
  }

  resized() {
    if (!this.pool) return
    this.measure()
    this.label()
    this.again()
  }

  /** Cells that the pool has. */
  get cells() { return Math.ceil(this.pool.blocks / this.shape[2]) }

  /** Where a cell's upper left is, px. @type {(cell: number) => [number, number]} */
  place(cell) { return [(cell % this.shape[0]) * this.cell, Math.floor(cell / this.shape[0]) * this.cell] }

  /** ms from one block to the next. */
  get pace() { return Math.min(STEP_MS, MOST_MS / Math.max(1, this.held.size)) }

  measure() {
    const width = this.box.clientWidth, {canvas} = this, ratio = devicePixelRatio || 1, style = getComputedStyle(this.box)
    this.shape = width < NARROW_PX ? this.pool.narrow : this.pool.wide
    this.cell = width / this.shape[0]
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(this.cell * this.shape[1] * ratio)
    canvas.style.height = `${this.cell * this.shape[1]}px`
    this.colours = Object.fromEntries(ROLES.map((role) => [role, style.getPropertyValue("--" + role).trim()]))
    this.ramp = Array.from({length: TONES + 1}, (_, i) => mixed(this.colours["in-use1"], this.colours["in-use2"], i / TONES))
  }

  again() { this.frame ||= requestAnimationFrame((now) => this.draw(now)) }

  /** @type {(now: number) => void} */
  draw(now) {
    const {cell} = this, gap = cell > 8 ? 2 : cell > 5 ? 1.2 : cell > 2.5 ? .5 : 0
    this.frame = 0
    this.ground(gap)
    this.started ??= now // the first frame, so that a busy page skips no block
    const moving = this.fillUp(now - this.started, gap)
    this.pen.globalAlpha = 1
    this.ring()
    this.runs.hidden = moving
    if (moving) this.again()
  }

  /** The cells as they are when none is taken. @type {(gap: number) => void} */
  ground(gap) {
    const {pen, canvas, cell, cells, colours} = this, ratio = devicePixelRatio || 1
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, canvas.width, canvas.height)
    pen.fillStyle = colours.free
    pen.strokeStyle = colours.line
    pen.beginPath()
    for (let i = 0; i < cells; i++) {
      const [x, y] = this.place(i)
      pen.roundRect(x + gap / 2, y + gap / 2, cell - gap, cell - gap, cell > 5 ? 2 : 0)
    }
    pen.fill()
    if (cell > 4) pen.stroke()
  }

  /** The blocks taken so many ms after the start; says whether it goes on.
   * @type {(ms: number, gap: number) => boolean} */
  fillUp(ms, gap) {
    const {pace, pen} = this
    let moving = false
    for (const [block, rows] of this.held) {
      const since = (ms / pace - rows[0].order) * pace / FADE_MS
      if (since < 1) moving = true
      if (since <= 0) continue
      pen.globalAlpha = Math.min(1, since)
      this.paint(this.place(Math.floor(block / this.shape[2])), rows[0], gap)
    }
    return moving
  }

  /** @type {(place: [number, number], row: Held, gap: number) => void} */
  paint([x, y], {sequence, logical}, gap) {
    const {pen, cell, colours, ramp} = this, size = cell - gap, left = x + gap / 2, top = y + gap / 2
    const share = logical / Math.max(1, this.pool.counts[0] - 1)
    pen.fillStyle = sequence ? colours[`seq${sequence - 1}`] : ramp[Math.round(TONES * share)]
    pen.beginPath()
    pen.roundRect(left, top, size, size, cell > 5 ? 2 : 0)
    pen.fill()
    if (!sequence || cell < 5) return
    pen.fillStyle = colours.card // B's and C's own blocks are rings, so that colour is not alone
    pen.beginPath()
    pen.roundRect(left + 2, top + 2, size - 4, size - 4, 1)
    pen.fill()
  }

  /** Around the cell that is told of. */
  ring() {
    const {pen, cell, at} = this
    if (at < 0) return
    const [x, y] = this.place(at), size = Math.max(2, cell - 2)
    pen.strokeStyle = this.colours.text1
    pen.lineWidth = 2
    pen.strokeRect(x + 1, y + 1, size, size)
    pen.lineWidth = 1
  }

  /** Runs of neighbouring blocks, named beside them while there are few. */
  label() {
    const {cell, shape: [columns, , each]} = this, runs = runsOf(this.held.keys(), columns)
    this.runs.replaceChildren()
    if (each > 1 || cell < LABEL_PX || runs.length > MOST_RUNS) return
    const texts = runs.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`))
    const widths = texts.map((text) => Math.ceil((text.length * 8 + 12) / cell))
    nextTo(runs, widths, columns).forEach((at, i) => {
      if (!at) return
      const style = `left: ${at.start * cell}px; top: ${(at.line + .5) * cell}px; width: ${widths[i] * cell}px`
      this.runs.append(element(`<span style="${style}">${texts[i]}</span>`))
    })
  }

  /** Tells of a cell; of none at -1. @type {(cell: number) => void} */
  tell(cell) {
    const {tip} = this
    this.at = cell
    this.again()
    tip.hidden = cell < 0
    if (cell < 0) return
    tip.innerHTML = this.words(cell)
    const [x, y] = this.place(cell), width = this.box.clientWidth
    tip.style.left = `${Math.min(Math.max(0, x + this.cell / 2 - tip.offsetWidth / 2), width - tip.offsetWidth)}px`
    tip.style.top = `${y + this.cell + 8}px`
  }

  /** @type {(cell: number) => string} */
  words(cell) {
    const {held, pool, shape: [, , each]} = this, first = cell * each, end = Math.min(pool.blocks, first + each)
    if (each > 1) {
      let used = 0
      for (let block = first; block < end; block++) if (held.has(block)) used++
      return `<b>blocks ${first} to ${end - 1}</b>, ${used} in use`
    }
    const rows = held.get(first)
    if (!rows) return `<b>block ${first}</b> is free`
    const whose = rows.map(({sequence, logical}) => `${NAMES[sequence]}, logical ${logical}`).join("; ")
    return `<b>block ${first}</b>: ${whose}<br>${rows[0].tokens} of ${pool.block} tokens, ${rows.length} reference${rows.length > 1 ? "s" : ""}`
  }

  listen() {
    const {canvas} = this
    canvas.onpointermove = canvas.onpointerdown = (event) => this.tell(this.under(event))
    canvas.onblur = () => this.tell(-1)
    canvas.onpointerleave = ({pointerType}) => { if (pointerType === "mouse") this.tell(-1) } // a tap's tip stays
    canvas.onkeydown = (event) => this.key(event)
  }

  /** The cell under the pointer, -1 where there is none. @type {(event: PointerEvent) => number} */
  under({clientX, clientY}) {
    const {left, top} = this.canvas.getBoundingClientRect(), {cell, cells, shape: [columns]} = this
    const column = Math.floor((clientX - left) / cell), found = Math.floor((clientY - top) / cell) * columns + column
    return column >= 0 && column < columns && found < cells ? found : -1
  }

  /** @type {(event: KeyboardEvent) => void} */
  key(event) {
    const {held, at, shape: [columns, , each]} = this
    /** @type {{[key: string]: number}} */
    const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns}
    if (event.key === "Escape") return this.tell(-1)
    if (!steps[event.key]) return
    event.preventDefault()
    const [first = 0] = held.keys(), next = at < 0 ? Math.floor(first / each) : at + steps[event.key]
    if (next >= 0 && next < this.cells) this.tell(next)
  }
}
