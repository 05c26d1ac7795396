// The scene of a run: its record, the rasters that it fills, and what is drawn and written over them.
import {still} from "../../kit/js/motion.js"
import {put, sourcesOf} from "../../kit/js/source.js"
import {Fleet, PULL_MS} from "./fleet.js"
import {paintByFrame} from "./frames.js"
import {Ghost} from "./ghost.js"
import {Inside} from "./inside.js"
import {Pages} from "./pages.js"
import {Run} from "./record.js"
/** @import {ImageType, Model, Row} from "../../kit/js/browser.d.ts" */
/** @import {Dies, Player} from "./payloads.d.ts" */
/** @import {Texts} from "./texts.js" */

export class Scene {
  /**
   * @param {Model<Player>} model @param {HTMLElement} root @param {{scene: Texts, fleet: Texts}} texts
   * @param {{measured: boolean, phone: boolean, before?: Scene}} shown - whether the figure of several
   *   GPUs has been measured, whether the scene is as narrow as a phone's, and the scene before
   */
  constructor(model, root, texts, {measured, phone, before}) {
    this.model = model
    this.root = root
    this.texts = texts
    this.phone = phone
    this.layout = model.layout
    this.places = model.places
    this.run = new Run(model)
    this.image = /** @type {ImageType} */ (model.state.constructor)
    this.sources = sourcesOf(model.scene)
    for (const figure of this.figures()) paintByFrame(figure)
    // What stands still is drawn again for another GPU alone.
    if (before?.places !== this.places)
      for (const [name, columns] of Object.entries(this.places.figure)) put(this.sources[name], {...columns})
    this.ghost = new Ghost(this.sources.ghost, texts.scene)
    this.pages = new Pages(this.blank(), this.layout)
    /** @type {Fleet | null} */
    this.fleet = this.fleetOf(measured)
    /** Whether several GPUs are shown; not known before the first. @type {boolean | undefined} */
    this.spilled = before?.spilled
    this.next = 0 // change of pages
    this.row = -1
    this.numbers = this.run.numbers(0)
    this.shape = this.places[phone ? "phone" : "wide"]
    this.inside = this.insideOf(before?.shape)
  }

  figures() { return [this.model.scene, this.model.fleet].filter((figure) => figure !== null) }

  /** @type {(measured: boolean) => Fleet | null} */
  fleetOf(measured) {
    const {model: {fleet, fleet_places}, layout, texts, pages} = this
    if (layout.gpus === 1 || !measured || !fleet) return null
    return new Fleet(sourcesOf(fleet), texts.fleet, fleet_places, layout, pages.images)
  }

  /** The rasters live in the browser alone: in-place changes of a source's data are never sent. */
  blank() {
    const {rows, columns, gpus} = this.layout, {sites} = this.places.figure, count = sites.left.length
    const images = Array.from({length: gpus * count}, () => new this.image(rows * columns, [rows, columns]))
    Object.assign(this.sources.pages.data, sites, {image: images.slice(0, count)})
    return images
  }

  /** @type {(drawn?: Dies) => Inside} */
  insideOf(drawn) {
    const {places, shape, layout: {which_gpu: which}} = this
    return new Inside(this.sources, this.texts.scene, this.image, {places, shape, which, drawn})
  }

  /** Lays the dies out anew for another shape of the screen; says whether it is another.
   * @type {(phone: boolean) => boolean} */
  reshape(phone) {
    this.phone = phone
    const shape = this.places[phone ? "phone" : "wide"], before = this.shape
    if (shape === before) return false
    this.shape = shape
    this.inside = this.insideOf(before)
    this.texts.scene.put("ghost", [])
    return true
  }

  /** Shows a moment of the run, and says whether the numbers are others now.
   * @type {(now: number, force: boolean) => boolean} */
  show(now, force) {
    const row = this.run.rowAt(now)
    if (row === this.row && !force) return false
    if (row < this.row) { this.next = 0; this.pages.clear() }
    this.row = row
    this.numbers = this.run.numbers(row)
    this.apply(this.numbers)
    this.spill(this.fleet !== null && this.numbers.over > 0)
    this.draw()
    return true
  }

  draw() {
    if (this.spilled) return this.fleet?.show(this.numbers, this.pages)
    this.sources.pages.change.emit()
    this.ghost.show(this.numbers, {sites: this.places.figure.sites, layout: this.layout, phone: this.phone})
    this.inside.show(this.numbers, this.run.end)
  }

  /** What moves while it plays. @type {(time: number) => void} */
  animate(time) { if (!this.spilled) this.inside.animate(this.numbers, this.run.end, time) }

  /** What is read, not watched: texts of the scene, ten times a second. */
  write() {
    this.inside.write(this.numbers, this.run.end)
    if (this.spilled) this.fleet?.write(this.numbers, this.phone)
  }

  palette() { return this.model.scene.renderers.find(({name}) => name === "pages")?.glyph.color_mapper.palette ?? [] }

  /** The sites that are shown. */
  sites() { return this.spilled && this.fleet ? this.fleet.places.sites : this.places.figure.sites }

  /** From one GPU to several: the camera pulls back, but not while Bokeh still measures the page.
   * @type {(on: boolean) => void} */
  spill(on) {
    if (on && this.spilled === false && !still()) {
      const near = {transform: "scale(2) translate(25%, 20%)"}
      this.root.querySelector(".fleet-layer")?.animate([near, {transform: "none"}], {duration: PULL_MS, easing: "ease-in-out"})
      this.fleet?.appear(() => { this.fleet?.show(this.numbers, this.pages); this.fleet?.write(this.numbers, this.phone) })
    }
    if (on === this.spilled) return
    this.spilled = on
    this.root.classList.toggle("spilled", on)
  }

  /** @type {(numbers: Row) => void} */
  apply({when, held_pages, scores}) {
    const {run, pages} = this, taken = Math.ceil(scores / this.layout.page_bytes)
    while (this.next < run.when.length && run.when[this.next] <= when) {
      const i = this.next++
      pages.hold(run.page[i], run.pages[i], run.owner[i], run.state[i], run.when[i])
    }
    pages.score(held_pages, held_pages + taken)
    pages.settle()
  }
}
