// Models down, GPUs across. Cells keep their elements while rows and columns stay, so tones fade.
import {element, every, find} from "../../kit/js/element.js"
import {NO_SPLIT, spoken} from "./words.js"
/** @import {Model, Rendered} from "../../kit/js/browser.d.ts" */
/** @import {Heading, HeatMap} from "./payloads.d.ts" */
const ROOMY = {columns: 10, rows: 14} // up to here cells are large and fill the card
/** Rows and columns that a key goes. @type {{[key: string]: [number, number]}} */
const STEPS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
               PageUp: [-8, 0], PageDown: [8, 0], Home: [0, -999], End: [0, 999]}
const CARD = `<section class="card heat"><header><h1></h1></header><div class="map" role="grid" tabindex="-1"></div>
    <footer><span class="ramp"><b></b><i></i><b></b><span></span></span>
      <span class="hatched"><i></i><span></span></span><small></small></footer><p class="said" role="status"></p></section>`

/** @type {(given: Rendered<HeatMap>) => HTMLElement} */
export function render({model}) {
  const heat = new Heat(model)
  model.on("view", () => heat.show())
  model.on("chosen", () => heat.mark())
  heat.show()
  return heat.card
}

class Heat {
  /** @param {Model<HeatMap>} model */
  constructor(model) {
    this.model = model
    this.card = element(CARD)
    this.map = find(this.card, ".map")
    /** Row after row. @type {HTMLElement[]} */
    this.cells = []
    this.names = "" // of the rows and columns that have elements
    this.map.onkeydown = (event) => this.key(event)
  }

  /** @type {(row: number, column: number) => HTMLElement | undefined} */
  at(row, column) { return this.cells[row * this.model.view.columns.length + column] }

  /** Row and column of the chosen pair, -1 where it is not shown. @type {() => [number, number]} */
  place() {
    const {view: {rows, columns}, chosen: [model, gpu]} = this.model
    return [rows.findIndex(({name}) => name === model), columns.findIndex(({name}) => name === gpu)]
  }

  build() {
    const {rows, columns} = this.model.view, {map} = this, corner = lined("columnheader")
    corner.setAttribute("aria-label", "Model")
    this.cells = rows.flatMap((_, i) => columns.map((_, j) => {
      const cell = lined("gridcell")
      cell.tabIndex = -1
      cell.onclick = () => this.choose(i, j)
      return cell
    }))
    const cellsOf = (/** @type {number} */ i) => this.cells.slice(i * columns.length, (i + 1) * columns.length)
    map.replaceChildren(lined("row", corner, ...columns.map((column) => heading(column, "columnheader"))),
      ...rows.map((row, i) => lined("row", heading(row, "rowheader"), ...cellsOf(i))))
    map.style.setProperty("--columns", String(columns.length))
    map.classList.toggle("roomy", columns.length <= ROOMY.columns && rows.length <= ROOMY.rows)
    map.classList.toggle("nothing", !this.cells.length)
  }

  /** Bring the chosen cell to the middle of the map, without moving the page. */
  scroll() {
    const {map} = this, cell = this.at(...this.place()), {clientWidth, clientHeight} = map
    if (cell) map.scrollTo(cell.offsetLeft - map.offsetLeft - clientWidth / 2, cell.offsetTop - map.offsetTop - clientHeight / 2)
  }

  paint() {
    const {palette, view} = this.model, {texts, tones} = view
    this.cells.forEach((cell, i) => {
      const [colour, ink] = palette[tones[i]] ?? ["", ""]
      if (cell.textContent !== texts[i]) cell.textContent = texts[i]
      cell.className = tones[i] >= 0 ? "" : tones[i] === NO_SPLIT ? "masked" : "needs"
      cell.style.cssText = colour && `background:${colour};color:${ink}`
      cell.setAttribute("aria-label", spoken(view, i))
    })
    this.mark()
  }

  mark() {
    const [i, j] = this.place(), chosen = i >= 0 && j >= 0 ? this.at(i, j) : undefined, lines = every(this.map, "[role=row]")
    for (const cell of this.cells) { cell.tabIndex = -1; cell.removeAttribute("aria-selected") }
    lines.forEach((line, n) => line.firstElementChild?.classList.toggle("here", n === i + 1))
    for (const [n, head] of [...lines[0].children].entries()) head.classList.toggle("here", j >= 0 && n === j + 1)
    const first = chosen ?? this.cells[0]
    if (first) first.tabIndex = 0
    chosen?.setAttribute("aria-selected", "true")
    this.say()
  }

  say() {
    const {view} = this.model, {tones, columns, heading} = view, [i, j] = this.place()
    const fit = tones.filter((tone) => tone >= 0).length
    const chosen = i >= 0 && j >= 0 ? `${spoken(view, i * columns.length + j)}. ` : ""
    find(this.card, ".said").textContent = `${heading}. ${chosen}${fit} of ${tones.length} pairs shown have a value.`
  }

  /** @type {(i: number, j: number) => void} */
  choose(i, j) {
    const {view: {rows, columns}} = this.model, cell = this.at(i, j)
    this.model.chosen = [rows[i].name, columns[j].name]
    this.mark()
    cell?.focus({preventScroll: true})
    cell?.scrollIntoView({block: "nearest", inline: "nearest"})
  }

  /** @type {(event: KeyboardEvent) => void} */
  key(event) {
    const step = STEPS[event.key], {rows, columns} = this.model.view, wide = columns.length
    if (!step || !this.cells.length || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    const root = /** @type {Document | ShadowRoot} */ (this.card.getRootNode())
    const from = Math.max(0, this.cells.indexOf(/** @type {HTMLElement} */ (root.activeElement)))
    /** @type {(value: number, most: number) => number} */
    const clamp = (value, most) => Math.max(0, Math.min(most - 1, value))
    this.choose(clamp(Math.floor(from / wide) + step[0], rows.length), clamp((from % wide) + step[1], wide))
  }

  show() {
    const {view} = this.model, now = JSON.stringify([view.rows, view.columns]), built = now !== this.names
    if (built) this.build()
    this.names = now
    find(this.card, "h1").textContent = view.heading
    this.map.setAttribute("aria-label", view.heading)
    this.legend()
    this.paint()
    if (built) requestAnimationFrame(() => this.scroll()) // once it has its size
  }

  legend() {
    const {card, model: {palette, view: {legend: {ends, gpus}, unit, tones, kind}}} = this
    const ramp = find(card, ".ramp"), hatched = find(card, ".hatched")
    every(ramp, "b").forEach((end, i) => { end.textContent = ends[i] })
    find(ramp, "span").textContent = `${unit}, log scale`
    find(ramp, "i").style.background = `linear-gradient(90deg, ${palette.map(([colour]) => colour).join(",")})`
    ramp.hidden = !tones.some((tone) => tone >= 0)
    find(hatched, "span").textContent = gpus === 1 ? "does not fit one: GPUs needed" : `does not fit ${gpus}: GPUs needed`
    hatched.hidden = !tones.includes(-1)
    find(card, "footer small").textContent = kind
  }
}

/** @type {(role: string, ...children: (Element | string)[]) => HTMLElement} */
function lined(role, ...children) {
  const box = document.createElement("div")
  box.setAttribute("role", role)
  box.append(...children)
  return box
}

/** @type {(heading: Heading, role: string) => HTMLElement} */
function heading({name, label, note, kind}, role) {
  const words = document.createElement("span"), small = document.createElement("small"), assumed = kind === "assumed"
  words.textContent = label
  small.textContent = assumed ? `≈ ${note}` : note
  const box = lined(role, words, small)
  box.title = assumed ? `${name}: its capacity is assumed` : name
  return box
}
