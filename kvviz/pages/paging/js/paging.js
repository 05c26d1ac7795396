// The Paging page: settings, a start, and the comparison, revealed once and then kept up to date.
import {dropzone} from "../../kit/js/dropzone.js"
import {element, find} from "../../kit/js/element.js"
import {say} from "../../kit/js/events.js"
import {still} from "../../kit/js/motion.js"
import {picker} from "./picker.js"
import {PoolView} from "./pool.js"
/** @import {Model, Rendered} from "../../kit/js/browser.d.ts" */
/** @import {Field, PagingBoard, Parts, Pool} from "./payloads.d.ts" */
const TYPING_MS = 300
const REVEAL_MS = 1900 // by then the last of it has appeared
const REPLAY = '<svg width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"><path d="M13.5 8a5.5 5.5 0 1 1-1.7-4M13.6 1.6v3h-3"/></svg>'
const SKELETON = '<div class="skeleton"><div class="metrics">' + '<section class="card metric"></section>'.repeat(4) + '</div><section class="card"></section><section class="card"></section></div>'
const START = `<section class="card start"><p>How much memory does one sequence’s KV cache take: reserved in advance, or in blocks on demand?</p>
      <button class="go">Show comparison</button></section>`
const SHOWN = `<div class="shown"><div class="metrics"></div><section class="card slot"></section>
        <section class="card pool-card"><header></header></section><section class="card tables"><div></div></section></div>`
const BOARD = `<div class="paging">
    <div class="top-row"><div><h1>One sequence, two ways to allocate its KV cache</h1><p class="older"></p></div>
      <div class="pickers"><button class="open-text" aria-expanded="false" aria-controls="text-card">Text</button>
      <button class="go" aria-label="Replay" title="Replay (R)" hidden>${REPLAY}</button></div></div>
    <p class="problem" role="alert" hidden></p>
    <section class="card text-card" id="text-card" hidden><textarea rows="3" aria-label="Text of sequence A" placeholder="Type or paste text: its tokens become the sequence"></textarea>
      <div><p class="counted" role="status"></p>
      <small>The text is sent only to this server.</small></div></section>
    <p class="unseen" role="status"></p>
    <div class="stage"></div>
    <div class="how"></div></div>`

/** @type {(given: Rendered<PagingBoard>) => HTMLElement} */
export function render({model}) {
  const board = new Board(model), themed = new MutationObserver(() => board.pool.resized())
  const keys = (/** @type {KeyboardEvent} */ event) => board.key(event)
  document.addEventListener("keydown", keys)
  board.words()
  if (model.revision) board.show(true)
  else board.start()
  model.on(["fields", "problem", "counted", "how", "text"], () => board.words())
  model.on("revision", () => board.show(!board.shown || board.revealing()))
  model.on("answered", () => board.answered())
  themed.observe(document.documentElement, {attributes: true, attributeFilter: ["data-theme"]})
  model.on("remove", () => {
    themed.disconnect()
    document.removeEventListener("keydown", keys)
  })
  return board.root
}

class Board {
  /** @param {Model<PagingBoard>} model */
  constructor(model) {
    this.model = model
    this.root = element(BOARD)
    this.stage = this.find(".stage")
    this.replay = this.find(".go")
    this.writing = find(this.root, "textarea")
    this.joins = element(`<div class="pickers joins"></div>`)
    this.pool = new PoolView()
    this.shown = false
    /** How each setting is brought up to date. @type {{[name: string]: (next: Field) => void}} */
    this.drawn = {}
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.typing = undefined
    this.find(".older").innerHTML = model.older
    this.find(".counted").after(this.tokenizer())
    this.listen()
  }

  /** @type {(selector: string) => HTMLElement} */
  find(selector) { return find(this.root, selector) }

  tokenizer() {
    const words = {accept: ".json,application/json", html: "Drop or choose a <b>tokenizer.json</b>"}
    return dropzone(words, async (file) => this.model.send_msg(await file.slice(0, this.model.limit).arrayBuffer()))
  }

  listen() {
    const {writing, model} = this
    this.find(".open-text").onclick = () => this.open(Boolean(this.find(".text-card").hidden))
    this.replay.onclick = () => this.show(true)
    writing.oninput = () => {
      clearTimeout(this.typing)
      this.typing = setTimeout(() => { this.busy(true); model.send_msg({text: writing.value}) }, TYPING_MS)
    }
  }

  /** @type {(name: string, value: unknown) => void} */
  set(name, value) { this.busy(true); this.model.send_msg({set: [name, value]}) }

  /** @type {(on: boolean) => void} */
  busy(on) {
    this.root.classList.toggle("busy", on)
    this.stage.setAttribute("aria-busy", String(on))
  }

  /** Opens and closes the text. @type {(on: boolean) => void} */
  open(on) {
    this.find(".text-card").hidden = !on
    this.find(".open-text").setAttribute("aria-expanded", String(on))
    if (on) this.writing.focus()
  }

  settings() {
    for (const field of this.model.fields) {
      const {name} = field
      if (!this.drawn[name]) {
        const [box, show] = picker(field, (value) => this.set(name, value))
        this.drawn[name] = show
        if (name === "sequences" || name === "shared") this.joins.append(box)
        else this.find(".open-text").before(box)
      }
      this.drawn[name](field)
    }
  }

  words() {
    const {model, writing} = this, problem = this.find(".problem")
    this.settings()
    problem.hidden = !model.problem
    problem.textContent = model.problem
    this.find(".counted").innerHTML = model.counted
    this.find(".how").innerHTML = model.how
    const root = /** @type {Document | ShadowRoot} */ (this.root.getRootNode())
    if (root.activeElement !== writing) writing.value = model.text
  }

  start() {
    const card = element(START)
    find(card, "button").onclick = () => {
      this.stage.innerHTML = SKELETON
      this.set("shown", "true")
    }
    this.stage.replaceChildren(card)
  }

  /** Shows the comparison, from the beginning when it is played. @type {(play: boolean) => void} */
  show(play) {
    const {stage, model} = this, {said, metrics, slot, pool, table} = /** @type {Parts} */ (model.parts)
    this.find(".unseen").textContent = said
    if (!this.shown || play) this.lay()
    find(stage, ".metrics").innerHTML = metrics
    find(stage, ".slot").innerHTML = slot
    find(stage, ".pool-card > header").innerHTML = pool
    find(stage, ".tables > div").innerHTML = table
    const moving = play && !still()
    if (moving) this.reveal()
    this.pool.show(/** @type {Pool} */ (model.pool), model.tables ?? [], moving)
    this.shown = true
    this.replay.hidden = false
  }

  lay() {
    this.stage.replaceChildren(element(SHOWN))
    find(this.stage, ".pool-card").append(this.pool.box)
    find(this.stage, ".tables").append(this.joins)
  }

  reveal() {
    const part = find(this.stage, ".shown")
    part.classList.add("reveal")
    setTimeout(() => part.classList.remove("reveal"), REVEAL_MS)
  }

  /** Whether it is being revealed: then a change starts it again. */
  revealing() { return Boolean(this.stage.querySelector(".reveal")) }

  answered() {
    this.busy(false)
    if (!this.shown) this.start()
  }

  /** @type {(event: KeyboardEvent) => void} */
  key(event) {
    const {key, ctrlKey, metaKey, altKey} = event, target = event.composedPath()[0]
    if (ctrlKey || metaKey || altKey || (target instanceof Element && target.matches("input, textarea, select"))) return
    if (key.toLowerCase() === "l") say("command", {theme: true})
    if (key.toLowerCase() === "r" && this.shown) this.show(true)
  }
}
