// Plays the tiles of flash attention one by one; the bars are each row's running maximum and sum.
import {element, find} from "../../kit/js/element.js"
import {still} from "../../kit/js/motion.js"
/** @import {Model, Rendered} from "../../kit/js/browser.d.ts" */
/** @import {Tile, Tiles} from "./payloads.d.ts" */
const STEP_MS = 260, CELL = 30, GAP = 2

/** @type {(given: Rendered<Tiles>) => HTMLElement} */
export function render({model}) {
  const walk = new Walk(model)
  model.on("remove", () => clearInterval(walk.timer))
  walk.go(0)
  walk.play(!still())
  return walk.card
}

class Walk {
  /** @param {Model<Tiles>} model */
  constructor({tiles, blocks}) {
    const side = blocks * CELL
    this.tiles = tiles
    this.card = element(`<section class="live card walk"><header><h3>Flash, tile by tile</h3><button></button></header>
    <div class="body"><svg viewBox="0 0 ${side} ${side}" role="img" aria-label="Tiles of scores, query down, key right"></svg><div class="aside" aria-live="off"></div></div>
    <input type="range" min="0" max="${tiles.length - 1}" value="0" aria-label="Tile"></section>`)
    this.button = find(this.card, "button")
    this.input = find(this.card, "input")
    this.cells = cells(blocks)
    find(this.card, "svg").append(...this.cells)
    /** When each cell is done, by its place. */
    this.done = new Map(tiles.map(([row, column], index) => [row * blocks + column, index]))
    this.at = 0
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined
    this.button.onclick = () => this.play(!this.timer)
    this.input.oninput = () => { this.play(false); this.go(Number(this.input.value)) }
  }

  /** @type {(index: number) => void} */
  go(index) {
    const {tiles, done, input} = this, at = (index + tiles.length) % tiles.length
    this.at = at
    this.cells.forEach((cell, place) => {
      const index = done.get(place)
      cell.setAttribute("class", index === undefined ? "skipped" : index === at ? "now" : index < at ? "done" : "")
    })
    input.value = String(at)
    input.style.setProperty("--share", String(at / (tiles.length - 1)))
    find(this.card, ".aside").innerHTML = `<p>Tile <b>${at + 1}</b> of ${tiles.length}: ${told(tiles[at])}`
  }

  /** @type {(on: boolean) => void} */
  play(on) {
    clearInterval(this.timer)
    this.timer = on ? setInterval(() => this.go(this.at + 1), STEP_MS) : undefined
    this.button.textContent = on ? "Pause" : "Play"
  }
}

/** A square a tile, row after row. @type {(blocks: number) => Element[]} */
const cells = (blocks) => Array.from({length: blocks * blocks}, (_, place) => {
  const cell = document.createElementNS("http://www.w3.org/2000/svg", "rect")
  const x = (place % blocks) * CELL + GAP / 2, y = Math.floor(place / blocks) * CELL + GAP / 2
  for (const [name, value] of Object.entries({x, y, width: CELL - GAP, height: CELL - GAP, rx: 4})) cell.setAttribute(name, String(value))
  return cell
})

/** @type {(value: number) => string} */
const number = (value) => value.toFixed(2).replace("-", "−")

/** @type {(tile: Tile) => string} */
function told([row, column, maxima, sums]) {
  const {length} = maxima, range = (/** @type {number} */ block) => `${block * length} to ${(block + 1) * length - 1}`
  const rows = maxima.map((most, i) => `<tr><td>${row * length + i}</td><td>${number(most)}</td><td>${number(sums[i])}</td></tr>`)
  return `queries ${range(row)}, keys ${range(column)}</p>
      <table><tr><th>query</th><th>running max</th><th>running sum</th></tr>${rows.join("")}</table>`
}
