// Plays a run on the scene: moves the playhead, and tells the cards what holds there.
import {Playback} from "../../kit/js/clock.js"
import {find} from "../../kit/js/element.js"
import {hear, say} from "../../kit/js/events.js"
import {keyOfOthers, pressed} from "../../kit/js/keys.js"
import {still} from "../../kit/js/motion.js"
import {SPELL} from "../../kit/js/numbers.js"
import {grow} from "./frames.js"
import {Inspect} from "./inspect.js"
import {Scene} from "./scene.js"
import {Teller} from "./teller.js"
import {ACROSS, Texts, UP} from "./texts.js"
import {TimelineStrip} from "./timeline.js"
/** @import {Model, Row} from "../../kit/js/browser.d.ts" */
/** @import * as Sent from "./payloads.d.ts" */
const RUN = {seconds: 20, rest: 1.5}
const OPENING_SECONDS = 1.1 // a page that opens still shows the tiles in mid-sweep
const PHONE = 780 // px: a narrower scene has a phone's layout, for its texts do not shrink with it
const ARROWS = {ArrowLeft: -1, ArrowRight: 1}

export class Player {
  /** @type {Scene} */
  scene

  /** @param {Model<Sent.Player>} model @param {HTMLElement} root @param {HTMLElement} strip */
  constructor(model, root, strip) {
    this.model = model
    this.root = root
    this.measured = false // the figure of several GPUs
    this.clock = new Playback(this, RUN)
    this.inspect = new Inspect(root, () => this.scene)
    this.strip = new TimelineStrip(model, strip, (share) => this.clock.seek(share * this.clock.end))
    this.teller = new Teller()
    this.texts = {scene: new Texts(find(root, ".scene-layer")), fleet: new Texts(find(root, ".fleet-layer"))}
    hear(model, "command", (command) => this.clock.obey(command))
    this.resized = new ResizeObserver(() => this.fit())
    this.resized.observe(root)
    this.listen()
  }

  /** Reads the record anew; the playhead stays where it was, at first at the scenario's context. */
  load() {
    const {model, measured, clock, scene: before} = this, phone = this.root.clientWidth < PHONE
    before?.fleet?.stop()
    this.scene = new Scene(model, this.root, this.texts, {measured, phone, before})
    clock.end = this.scene.run.end
    clock.now = before ? clock.at : model.start
    this.inspect.close()
    this.strip.label()
    this.texts.scene.put("ghost", [])
    this.draw(true)
    this.fit()
    if (before) this.tell()
    else clock.play(!still() && model.autoplay)
    if (before && !still()) this.teller.count(before.numbers, () => this.scene.numbers)
  }

  /** Texts and strokes grow with the scene; on a phone the dies are laid out anew. */
  fit() {
    const {clientWidth: width, clientHeight: height} = this.root, {scene} = this
    if (!scene || !width) return
    const scale = Math.min(width / ACROSS, height / UP), phone = width < PHONE
    for (const texts of Object.values(this.texts)) texts.scale(phone ? 1 : scale)
    for (const figure of scene.figures()) grow(figure, scale)
    if (scene.reshape(phone)) this.draw(true)
    this.inspect.draw()
  }

  /** @type {(force: boolean) => void} */
  draw(force) {
    const {scene, clock} = this
    this.strip.place(clock.at / clock.end)
    if (scene.show(clock.now, force)) {
      this.inspect.draw()
      this.report(force || !clock.playing)
    }
    scene.animate(OPENING_SECONDS + clock.played)
  }

  /** @type {(now: boolean) => void} */
  report(now) { this.teller.row(this.scene.numbers, now, () => this.write()) }

  write() {
    this.scene.write()
    this.strip.say(this.clock.at, this.clock.end)
  }

  moved() { this.draw(false) }

  placed() { this.draw(false) }

  paused() { this.report(true) }

  tell() {
    const {playing, speed, at: now, end} = this.clock
    this.describe()
    this.root.parentElement?.classList.toggle("playing", playing)
    this.write()
    say("state", {playing, speed, now, end, revision: this.model.revision})
  }

  describe() {
    const {run, layout: {capacity, gpu}, numbers} = this.scene
    this.root.setAttribute("aria-label", spoken(numbers))
    this.strip.plot.setAttribute("aria-label",
      `Memory over the run: ${SPELL.gib(run.at("total", 0))} GiB at the start, ${SPELL.gib(run.at("total", run.rows - 1))} GiB ` +
      `at ${SPELL.count(run.end)} tokens; one ${gpu} holds ${SPELL.gib(capacity)} GiB.`)
  }

  listen() {
    const keys = (/** @type {KeyboardEvent} */ event) => this.key(event)
    document.addEventListener("keydown", keys)
    this.model.on("remove", () => {
      this.clock.stop()
      this.resized.disconnect()
      document.removeEventListener("keydown", keys)
    })
  }

  /** @type {(event: KeyboardEvent) => void} */
  key(event) {
    if (keyOfOthers(event)) return
    const {key, shiftKey} = event, {clock} = this
    if (key === "Escape") this.inspect.close()
    else if (key === "ArrowLeft" || key === "ArrowRight") clock.seek(clock.now + ARROWS[key] * (shiftKey ? 512 : 64))
    else if (!pressed(event, clock)) return
    event.preventDefault()
  }
}

/** @type {(row: Row) => string} */
const spoken = (row) =>
  `GPU memory at ${SPELL.count(row.when)} tokens of context: ${SPELL.gib(row.weights)} GiB weights, ` +
  `${SPELL.gib(row.kv_allocated)} GiB KV cache, ${SPELL.gib(row.scores)} GiB attention scores, ` +
  (row.over > 0 ? `${SPELL.gib(row.over)} GiB more than it holds.` : `${SPELL.gib(row.free)} GiB free.`)
