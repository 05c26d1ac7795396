// Several GPUs as one address space, where the run does not fit one; texts and bar follow the row.
import {put} from "../../kit/js/source.js"
import {bar, packages, smallBar} from "./fleet_texts.js"
/** @import {Columns, Image, ImageType, Row, Source} from "../../kit/js/browser.d.ts" */
/** @import {Pages} from "./pages.js" */
/** @import {FleetPlaces, Layout, Look} from "./payloads.d.ts" */
/** @import {Texts} from "./texts.js" */
export const PULL_MS = 600 // the camera pulls back
const APPEAR_MS = 150 // then one missing GPU after the other appears

export class Fleet {
  /** @param {{[name: string]: Source}} sources
   * @param {Texts} texts
   * @param {FleetPlaces} places
   * @param {Layout} layout
   * @param {Image[]} images */
  constructor(sources, texts, places, layout, images) {
    const {bar: [left, bottom, w, h], columns} = places
    this.sources = sources
    this.texts = texts
    this.places = places
    this.layout = layout
    this.images = images
    /** @type {ReturnType<typeof setTimeout>[]} */
    this.timers = []
    this.revealed = layout.gpus
    this.reveal(layout.gpus)
    this.strip = new (/** @type {ImageType} */ (images[0].constructor))(columns, [1, columns])
    this.put("bar", {left: [left], bottom: [bottom], w: [w], h: [h], image: [this.strip]})
  }

  /** @type {(name: string, columns: Columns) => void} */
  put(name, columns) { put(this.sources[name], columns) }

  /** Shows the memory of the first GPUs; the others are not there yet. @type {(count: number) => void} */
  reveal(count) {
    const {sites} = this.places, each = this.images.length / this.layout.gpus
    const part = (/** @type {number} */ from, /** @type {number} */ to) =>
      Object.fromEntries(Object.entries(sites).map(([name, column]) => [name, column.slice(from, to)]))
    this.revealed = count
    this.put("fleet_sites", part(0, each * count))
    this.put("fleet_pages", {...part(0, each), image: this.images.slice(0, each)})
    this.put("fleet_spill", {...part(each, each * count), image: this.images.slice(each, each * count)})
  }

  /** Lets the missing GPUs come one after the other, given how to draw what is there by now.
   * @type {(draw: () => void) => void} */
  appear(draw) {
    this.stop()
    this.reveal(1)
    this.timers = Array.from({length: this.layout.gpus - 1}, (_, gpu) =>
      setTimeout(() => { this.reveal(gpu + 2); draw() }, PULL_MS + APPEAR_MS * gpu))
  }

  stop() { for (const timer of this.timers) clearTimeout(timer) }

  /** @type {(row: Row, pages: Pages) => void} */
  show(row, pages) {
    for (const name of ["fleet_pages", "fleet_spill"]) this.sources[name].change.emit()
    this.box(row)
    this.spread(pages)
    this.mark(row)
  }

  /** What a GPU holds of the run so far, in bytes. @type {(row: Row, gpu: number) => number} */
  held(row, gpu) { return Math.max(0, Math.min(this.layout.capacity, row.total - gpu * this.layout.capacity)) }

  /** A package is there, missing, or not needed yet; its dies and inactive sites lie on it.
   * @type {(row: Row) => void} */
  box(row) {
    const {frames, dies, spare, spare_look, ground, looks} = this.places
    /** @type {{[name: string]: (number | string)[]}} */
    const columns = Object.fromEntries(Object.entries(ground).map(([name, column]) => [name, [...column]]))
    /** @type {(boxes: {[name: string]: number[]}, look: Look) => void} */
    const add = (boxes, look) => {
      for (const name in columns) columns[name].push(...(boxes[name] ?? boxes.x.map(() => look[/** @type {keyof Look} */ (name)])))
    }
    for (let gpu = 0; gpu < this.revealed; gpu++) {
      const [frame, die] = looks[gpu === 0 ? "owned" : this.held(row, gpu) > 0 ? "missing" : "later"]
      add(Object.fromEntries(Object.entries(frames).map(([name, column]) => [name, [column[gpu]]])), frame)
      add({...dies[gpu]}, die)
      add({...spare[gpu]}, spare_look)
    }
    this.put("fleet_boxes", columns)
  }

  /** Each column of the bar shows the page at its middle; beyond the first GPU under the red wash.
   * @type {(pages: Pages) => void} */
  spread(pages) {
    const {columns} = this.places, {gpu_pages, codes} = this.layout, wash = codes.scores + 1
    for (let i = 0; i < columns; i++) {
      const page = Math.floor(((i + 0.5) / columns) * this.layout.pages)
      this.strip[i] = pages.code(page) + (page >= gpu_pages ? wash : 0)
    }
    this.sources.bar.change.emit()
  }

  /** Where an address lies along the bar. @type {(bytes: number) => number} */
  at(bytes) {
    const [x, , w] = this.places.bar
    return x + (w * bytes) / (this.layout.capacity * this.layout.gpus)
  }

  /** @type {(row: Row) => void} */
  mark(row) {
    const [, y, , h] = this.places.bar, {capacity, gpus} = this.layout, {ends, over} = this.places.lines, from = this.at(capacity)
    const to = Math.min(this.at(row.total), this.at(capacity * gpus))
    const marks = [[from, y - 14, to, y - 14, over], [from, y - 14, from, y - 7, over], [to, y - 14, to, y - 7, over]]
    for (let gpu = gpus - 1; gpu > 0; gpu--) {
      const x = this.at(capacity * gpu), [low, high] = gpu > 1 ? [y + h, y + h + 6] : [y - 8, y + h + 10]
      marks.unshift([x, low, x, high, ends])
    }
    const column = (/** @type {number} */ i) => marks.map((mark) => mark[i])
    this.put("bar_marks", {x0: column(0), y0: column(1), x1: column(2), y1: column(3), line: column(4)})
  }

  /** A phone has the room for what no other card says. @type {(row: Row, phone: boolean) => void} */
  write(row, phone) {
    this.texts.put("fleet", [...packages(this, row, phone), ...(phone ? smallBar(this, row) : bar(this, row))])
  }
}
