// A card of HTML whose numbers follow the playhead.
export function render({model}) {
  const card = document.createElement("div")
  card.className = "live " + model.css_class
  const show = () => { card.innerHTML = model.html; fill(card, document.kvviz?.row) }
  model.on("html", show)
  hear(model, "row", (row) => fill(card, row))
  show()
  return card
}
