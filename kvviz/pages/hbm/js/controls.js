// The column of controls: cards of fields, drawn once and then brought up to date.
import {configzone} from "../../kit/js/dropzone.js"
import {element, find} from "../../kit/js/element.js"
import {hear} from "../../kit/js/events.js"
import {segment} from "../../kit/js/fields/segment.js"
import {select} from "../../kit/js/fields/select.js"
import {slider} from "../../kit/js/fields/slider.js"
import {toggle} from "../../kit/js/fields/switch.js"
import {fill} from "../../kit/js/live.js"
import {playhead} from "../../kit/js/playhead.js"
import {transport} from "../../kit/js/transport.js"
import {number} from "./number.js"
/** @import {Model, Rendered} from "../../kit/js/browser.d.ts" */
/** @import {Draw} from "../../kit/js/fields/field.d.ts" */
/** @import {Beside, Card, Controls, Field, Fold, Note} from "./payloads.d.ts" */
/** @typedef {keyof typeof INPUTS} Kind */
const INPUTS = {slider, switch: toggle, segment, select, number}

/** @type {(given: Rendered<Controls>) => HTMLElement} */
export function render({model}) {
  const column = new Column(model)
  column.show()
  model.on(["cards", "lists", "problem"], () => column.show())
  hear(model, "row", (row) => fill(column.root, row))
  return column.root
}

/** A field's name; one without is the only one of its kind. @type {(field: Field) => string} */
const named = (field) => ("name" in field ? field.name : field.kind)

class Column {
  /** @param {Model<Controls>} model */
  constructor(model) {
    this.model = model
    this.root = element('<div class="cards controls"></div>')
    /** How each field is brought up to date. @type {{[name: string]: (next: any) => void}} */
    this.shows = {}
    /** @type {WeakMap<Element, string>} */
    this.names = new WeakMap()
    /** @type {HTMLElement[]} */
    this.cards = []
    /** What is no input, by its kind. @type {{[kind: string]: Draw<any>}} */
    this.parts = {
      row: (field) => this.row(field),
      fold: (field) => this.fold(field),
      note: (field) => this.note(field),
      problem: () => this.problem(),
      upload: () => [configzone((bytes) => model.send_msg(bytes), model.limit), () => {}],
      playhead: () => [playhead(model), () => {}],
      transport: () => [transport(model), () => {}],
    }
  }

  show() {
    const {cards} = this.model
    if (!this.cards.length) this.root.append(...(this.cards = cards.map((card) => this.card(card))))
    else cards.forEach((card, i) => this.fillCard(this.cards[i], card))
    fill(this.root, document.kvviz?.row)
  }

  /** @type {(card: Card) => HTMLElement} */
  card(card) {
    const drawn = element(`<section class="card ${card.name}">${card.title ? `<h2>${card.title}<small></small></h2>` : ""}</section>`)
    this.fillCard(drawn, card)
    return drawn
  }

  /** @type {(drawn: HTMLElement, card: Card) => void} */
  fillCard(drawn, {aside, fields}) {
    if (aside) find(drawn, "h2 small").textContent = aside
    this.arrange(drawn, fields, drawn.querySelector(":scope > h2"))
  }

  /** @type {(field: Field) => HTMLElement} */
  draw(field) {
    const name = named(field)
    /** @type {Draw<any>} */
    const draw = INPUTS[/** @type {Kind} */ (field.kind)] ?? this.parts[field.kind]
    const [drawn, show] = draw(field, (value) => this.model.send_msg({name, value}))
    this.names.set(drawn, name)
    this.shows[name] = show
    this.update(field)
    return drawn
  }

  /** @type {(field: Field) => void} */
  update(field) {
    const name = named(field), options = this.model.lists[name]
    this.shows[name](options ? {...field, options} : field)
  }

  /** Fields come and go with what they apply to; those that stay are kept.
   * @type {(holder: HTMLElement, fields: Field[], before: Element | null) => void} */
  arrange(holder, fields, before) {
    const now = [...holder.children].filter((child) => this.names.has(child))
    const kept = new Map(now.map((child) => [this.names.get(child), child]))
    const wanted = fields.map((field) => {
      const old = kept.get(named(field))
      if (old) this.update(field)
      return old ?? this.draw(field)
    })
    if (now.length === wanted.length && now.every((child, i) => child === wanted[i])) return
    for (const child of now) if (!wanted.includes(child)) child.remove()
    if (before) before.after(...wanted)
    else holder.prepend(...wanted)
  }

  /** @type {(field: Beside) => ReturnType<Draw<Beside>>} */
  row({fields}) {
    const row = element('<div class="side-by-side"></div>')
    row.append(...fields.map((field) => this.draw(field)))
    return [row, (next) => next.fields.forEach((field) => this.update(field))]
  }

  /** @type {(field: Fold) => ReturnType<Draw<Fold>>} */
  fold({label}) {
    const fold = element(`<details class="fold"><summary>${label}<i></i></summary></details>`)
    return [fold, (next) => this.arrange(fold, next.fields, fold.firstElementChild)]
  }

  /** @type {(field: Note) => ReturnType<Draw<Note>>} */
  note() {
    const text = element('<div class="measured live"></div>')
    let shown = ""
    return [text, ({html}) => { if (shown !== html) text.innerHTML = shown = html }]
  }

  /** @type {() => ReturnType<Draw<Field>>} */
  problem() {
    const text = element('<p class="problem" role="alert" hidden></p>')
    return [text, () => { text.hidden = !this.model.problem; text.textContent = this.model.problem }]
  }
}
