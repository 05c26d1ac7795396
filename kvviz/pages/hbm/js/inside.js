// What moves on the dies and lanes: particles, units, the triangle's tiles, the meters.
import {SPELL} from "../../kit/js/numbers.js"
import {put} from "../../kit/js/source.js"
/** @import {ImageType, Row, Source} from "../../kit/js/browser.d.ts" */
/** @import {Boxes, Dies, Places, Tiles} from "./payloads.d.ts" */
/** @import {Texts} from "./texts.js" */

const SWEEP_SECONDS = 2.4, CROSS_SECONDS = 1.2, TAIL = 13, BRIGHT = 3, WORK = 1.3, WORK_LIT = 0.18, WORK_ENDS = 0.5
const METERS = ["prefill_compute", "prefill_memory", "decode_compute", "decode_memory"]

export class Inside {
  /**
   * The dies' contents, for a GPU and a shape of the screen.
   * @param {{[name: string]: Source}} sources @param {Texts} texts @param {ImageType} Image
   * @param {{places: Places, shape: Dies, which: string, drawn?: Dies}} scene - `drawn`: the shape
   *   that the sources hold already
   */
  constructor(sources, texts, Image, {places, shape, which, drawn}) {
    const {squares, triangle: [left, bottom, w, h], figure} = shape, {x} = figure.units
    this.sources = sources
    this.texts = texts
    this.places = places
    this.shape = shape
    this.which = which
    this.swept = ""
    this.image = new Image(squares * squares, [squares, squares])
    this.tone = [...figure.units.tone]
    const from = Math.min(...x), width = Math.max(...x) - from || 1
    this.across = x.map((at) => (at - from) / width)
    if (drawn !== shape) for (const [name, columns] of Object.entries(figure)) put(sources[name], {...columns})
    put(sources.tiles, {image: [this.image], left: [left], bottom: [bottom], w: [w], h: [h]})
    put(sources.units, {tone: this.tone})
  }

  /** The numbers of a row: the dot on the diagonal, the meters, the texts.
   * @type {(row: Row, end: number) => void} */
  show(row, end) {
    const {triangle: [x, y, w, h], tracks} = this.shape, {roles} = this.places, share = row.when / end, at = [x + share * w, y + share * h]
    put(this.sources.diagonal, {x0: [x, x], y0: [y, y], x1: [x + w, at[0]], y1: [y + h, at[1]],
                                  line: [roles.text3, roles.text1], dash: ["dotted", "solid"], width: [1.2, 2]})
    put(this.sources.dot, {x: [at[0], at[0]], y: [at[1], at[1]], size: [24, 11], alpha: [0.25, 1]})
    this.meter(row, tracks, roles)
  }

  /** Each meter's track, and on it the bar, never shorter than it is high.
   * @type {(row: Row, tracks: Boxes, roles: {[role: string]: number}) => void} */
  meter(row, tracks, roles) {
    const wide = tracks.w.map((w, i) => Math.max(tracks.h[i], w * (row[METERS[i]] || 0)))
    /** @type {(name: keyof Boxes, levels: number[]) => number[]} */
    const both = (name, levels) => [...tracks[name], ...levels]
    /** @type {(keyof Boxes)[]} */
    const kept = ["y", "bottom", "h", "left"]
    put(this.sources.meters, {
      ...Object.fromEntries(kept.map((name) => [name, both(name, tracks[name])])),
      x: both("x", tracks.left.map((left, i) => left + wide[i] / 2)), w: both("w", wide),
      fill: both("w", wide).map((_, i) => (i < wide.length ? roles.off : roles.on)),
      line: both("w", wide).map(() => roles.clear), dash: both("w", wide).map(() => "solid"),
    })
  }

  /** @type {(row: Row, end: number) => void} */
  write(row, end) {
    const bound = (/** @type {string} */ name) => {
      const compute = row[`${name}_compute`], memory = row[`${name}_memory`]
      return isNaN(compute) ? "rate unknown" : compute > memory ? "compute bound" : "memory bound"
    }
    /** @type {{[name: string]: string}} */
    const words = {
      context: SPELL.count(row.when),
      end: `of ${SPELL.count(end)} tokens`,
      scores: row.scores > 0 ? SPELL.gib(row.scores) + " GiB" : "0 B",
      prefill_bound: bound("prefill"), decode_bound: bound("decode"),
    }
    for (const name of METERS) words[name] = isNaN(row[name]) ? "?" : SPELL.percent0(row[name])
    const role = row.scores > 0 ? "red-text" : "tile-text"
    const [x, y, align] = this.places.which_at
    this.texts.put("which", this.which ? [{x, y, text: this.which, align, bold: true, role: "text1"}] : [])
    this.texts.put("dies", this.shape.texts.map((text) => (text.live
      ? {...text, text: words[text.text], role: text.text === "scores" ? role : text.role} : text)))
  }

  /** One moment of the playing: `time` in seconds of play, so that a paused page stands still.
   * @type {(row: Row, end: number, time: number) => void} */
  animate(row, end, time) {
    const phase = (time / SWEEP_SECONDS) % 1
    this.sweep(row, end, phase)
    this.work(phase)
    this.stream(row, time)
  }

  /** Queries upward, keys to the right: a query attends to the keys up to itself.
   * @type {(row: Row, end: number, phase: number) => void} */
  sweep(row, end, phase) {
    const {squares} = this.shape, {tiles} = this.places, filled = Math.ceil((row.when / end) * squares)
    const front = Math.floor(phase * (filled + BRIGHT)), solid = row.scores > 0
    const now = `${filled} ${front} ${solid}`
    if (now === this.swept) return
    this.swept = now
    for (let query = 0; query < squares; query++)
      for (let key = 0; key < squares; key++)
        this.image[query * squares + key] = this.square(query, key, filled, front, solid, tiles)
    this.sources.tiles.change.emit()
  }

  /** @type {(query: number, key: number, filled: number, front: number, solid: boolean, tiles: Tiles) => number} */
  square(query, key, filled, front, solid, tiles) {
    if (key > query) return tiles.none
    if (query >= filled) return tiles.beyond
    if (solid) return tiles.solid
    if (key > front) return tiles.ahead
    return key > front - BRIGHT ? tiles.tile : tiles.done
  }

  /** The units follow the same wave; it is shown where one of them changes.
   * @type {(phase: number) => void} */
  work(phase) {
    const {tiles} = this.places
    let changed = false
    for (let i = 0; i < this.shape.working; i++) {
      const behind = phase * WORK - this.across[i]
      const tone = behind < 0 || behind > WORK_ENDS ? tiles.ahead : behind < WORK_LIT ? tiles.tile : tiles.done
      changed ||= tone !== this.tone[i]
      this.tone[i] = tone
    }
    if (changed) this.sources.units.change.emit()
  }

  /** As many particles as the decode step moves bytes a second; weights purple, the cache by sequence.
   * @type {(row: Row, time: number) => void} */
  stream(row, time) {
    const {lanes, particles} = this.places
    const count = Math.round(particles * Math.min(1, row.bandwidth_share)), weights = row.weights_read_share
    /** @type {{[name: string]: number[]}} */
    const columns = {x0: [], y0: [], x1: [], y1: [], tone: []}
    for (let i = 0; i < count; i++) {
      const [ax, ay, bx, by] = lanes[(i * 7) % lanes.length], length = Math.hypot(bx - ax, by - ay)
      const way = (time / CROSS_SECONDS + i * 0.618034) % 1, tail = Math.max(0, way - TAIL / length)
      columns.x0.push(ax + (bx - ax) * tail)
      columns.y0.push(ay + (by - ay) * tail)
      columns.x1.push(ax + (bx - ax) * way)
      columns.y1.push(ay + (by - ay) * way)
      columns.tone.push((i * 0.7548777) % 1 < weights ? 0 : 1 + (i % 8))
    }
    put(this.sources.particles, columns)
  }
}
