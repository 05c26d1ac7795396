// A box for a start-up log: what is pasted or typed is sent when it rests, and never more than may be read.
import {element, find} from "../../kit/js/element.js"
import {pieces} from "./marks.js"
/** @import {Model, Rendered} from "../../kit/js/browser.d.ts" */
/** @import {Paste} from "./payloads.d.ts" */
const REST_MS = 500

/** @type {(given: Rendered<Paste>) => HTMLElement} */
export function render({model}) {
  const box = new Box(model)
  model.on(["html", "problem"], () => box.show())
  model.on("answered", () => box.mark())
  box.mark()
  box.show()
  return box.card
}

class Box {
  /** @param {Model<Paste>} model */
  constructor(model) {
    this.model = model
    this.card = element(`<div class="live card paste"><header><strong>Paste an engine log</strong><button type="button">Clear</button></header>
    <div class="paper"><pre aria-hidden="true"></pre>
    <textarea aria-label="Engine log" spellcheck="false" rows="9" placeholder="Model loading took 14.99 GiB …"></textarea></div>
    <div class="read"></div><p class="problem" role="alert"></p>
    <p class="where">${model.note}</p></div>`)
    this.text = find(this.card, "textarea")
    this.paper = find(this.card, "pre")
    this.problem = find(this.card, ".problem")
    this.read = model.text // the last text sent
    this.sent = model.answered // how many were
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined
    this.text.value = model.text
    this.text.oninput = () => { clearTimeout(this.timer); this.mark(); this.timer = setTimeout(() => this.send(), REST_MS) }
    this.text.onscroll = () => this.follow()
    find(this.card, "button").onclick = () => this.clear()
  }

  send() {
    const {text: {value}, model, problem} = this
    if (value.length > model.limit) {
      problem.textContent = `The text is longer than the limit of ${model.limit.toLocaleString("en-US")} characters.`
      return
    }
    problem.textContent = model.problem
    this.read = value
    this.sent++
    model.send_msg(value)
  }

  clear() {
    this.text.value = ""
    this.mark()
    this.text.focus()
    this.send()
  }

  show() {
    find(this.card, ".read").innerHTML = this.model.html
    this.problem.textContent = this.model.problem
  }

  follow() {
    this.paper.scrollTop = this.text.scrollTop
    this.paper.scrollLeft = this.text.scrollLeft
  }

  /** The figures that were read are marked where they stand, on a sheet behind the text. */
  mark() {
    const {paper, text: {value}, read, sent, model} = this
    paper.replaceChildren()
    if (value !== read || model.answered !== sent || model.problem || read.includes("\x1b")) return
    for (const {text, marked} of pieces(value, model.spans)) {
      const chip = document.createElement("mark")
      chip.textContent = text
      paper.append(marked ? chip : text)
    }
    this.follow()
  }
}
