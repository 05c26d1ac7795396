// The column of controls: cards of fields, drawn once and then brought up to date.
export function render({model}) {
  const root = document.createElement("div"), shows = {}
  root.className = "cards controls"
  const set = (name) => (value) => model.send_msg({name, value})
  const OWN = {
    row: (field) => {
      const row = element(`<div class="side-by-side"></div>`)
      row.append(...field.fields.map(draw))
      return [row, (next) => next.fields.forEach(update)]
    },
    fold: (field) => {
      const fold = element(`<details class="fold"><summary>${field.label}<i></i></summary></details>`)
      return [fold, (next) => arrange(fold, next.fields, fold.firstElementChild)]
    },
    note: () => {
      const text = element(`<div class="measured live"></div>`)
      return [text, (next) => { if (text.html !== next.html) text.innerHTML = text.html = next.html }]
    },
    upload: () => [dropzone((bytes) => model.send_msg(bytes), model.limit), () => {}],
    problem: () => {
      const text = element(`<p class="problem" role="alert" hidden></p>`)
      return [text, () => { text.hidden = !model.problem; text.textContent = model.problem }]
    },
    playhead: () => [playhead(model), () => {}],
    transport: () => [transport(model), () => {}],
  }
  const draw = (field) => {
    const [drawn, show] = (FIELDS[field.kind] ?? OWN[field.kind])(field, set(field.name))
    drawn.field = field.name ?? field.kind
    shows[drawn.field] = show
    show(field)
    return drawn
  }
  const update = (field) => shows[field.name ?? field.kind](field)
  // Fields come and go with what they apply to; those that stay are kept.
  const arrange = (holder, fields, before) => {
    const kept = Object.fromEntries([...holder.children].filter((child) => child.field).map((child) => [child.field, child]))
    const wanted = fields.map((field) => {
      const old = kept[field.name ?? field.kind]
      if (old) update(field)
      return old ?? draw(field)
    })
    const now = [...holder.children].filter((child) => child.field)
    if (now.length === wanted.length && now.every((child, i) => child === wanted[i])) return
    for (const child of now) if (!wanted.includes(child)) child.remove()
    wanted.reduce((last, child) => { last ? last.after(child) : holder.prepend(child); return child }, before)
  }
  const aside = (card, {aside}) => { if (aside) card.querySelector("h2 small").textContent = aside }
  const card = ({name, title, fields, ...more}) => {
    const drawn = element(`<section class="card ${name}">${title ? `<h2>${title}<small></small></h2>` : ""}</section>`)
    aside(drawn, more)
    arrange(drawn, fields, drawn.firstElementChild)
    return drawn
  }
  let drawn
  const show = () => {
    if (drawn) model.cards.forEach((next, i) => {
      aside(drawn[i], next)
      arrange(drawn[i], next.fields, drawn[i].querySelector(":scope > h2"))
    })
    else root.append(...(drawn = model.cards.map(card)))
  }
  show()
  model.on(["cards", "problem"], show)
  hear(model, "row", (row) => fill(root, row))
  return root
}
