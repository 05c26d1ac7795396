// Shows one fact at a time; the next comes by itself while the run plays, or when asked for.
import {element, find} from "../../kit/js/element.js"
import {hear} from "../../kit/js/events.js"
import {still} from "../../kit/js/motion.js"
/** @import {Model, Rendered, State} from "../../kit/js/browser.d.ts" */
/** @import {DidYouKnow} from "./payloads.d.ts" */
const SECONDS = 12, WIDE = 1500

/** @type {(given: Rendered<DidYouKnow>) => HTMLElement} */
export function render({model}) {
  const facts = new Facts(model), again = () => facts.show(facts.at), size = new ResizeObserver(again)
  model.on("facts", again)
  hear(model, "state", (state) => facts.follow(state))
  size.observe(document.documentElement)
  model.on("after_render", again)
  addEventListener("resize", again)
  model.on("remove", () => { clearInterval(facts.timer); size.disconnect(); removeEventListener("resize", again) })
  facts.put(0)
  return facts.card
}

class Facts {
  /** @param {Model<DidYouKnow>} model */
  constructor(model) {
    this.model = model
    this.card = element(`<section class="live card fact"><header><h2>Did you know</h2><small></small></header>
    <button><span></span><cite></cite></button></section>`)
    this.button = find(this.card, "button")
    this.at = 0
    /** @type {boolean | undefined} */
    this.playing = undefined
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined
    this.button.onclick = () => { this.show(this.at + 1); this.turn() }
  }

  /** @type {(index: number) => void} */
  put(index) {
    const {facts} = this.model, {text, source, kind} = facts[index], {card} = this
    this.at = index
    find(card, "small").textContent = `${index + 1} of ${facts.length}`
    find(card, "span").textContent = text
    find(card, "cite").textContent = source
    this.button.title = `${kind}. Click for the next fact.`
  }

  /** Beside the scene a card that hangs out of the window is worse than none; below it, it may. */
  fits() { return innerWidth < WIDE || this.card.getBoundingClientRect().bottom + scrollY <= innerHeight }

  /** Shows the first fact from `index` on that there is room for. @type {(index: number) => void} */
  show(index) {
    const {length} = this.model.facts
    this.card.hidden = false
    for (let step = 0; step < length; step++) {
      this.put((index + step) % length)
      if (this.fits()) return
    }
    this.put(index % length)
    this.card.hidden = true
  }

  turn() {
    clearInterval(this.timer)
    if (this.playing && !still())
      this.timer = setInterval(() => { if (!this.card.matches(":hover")) this.show(this.at + 1) }, SECONDS * 1000)
  }

  /** @type {(state: State) => void} */
  follow({playing}) {
    if (playing !== this.playing) { this.playing = playing; this.turn() }
    this.button.setAttribute("aria-live", playing ? "off" : "polite")
    this.show(this.at)
  }
}
