// Cards of HTML whose numbers follow the playhead; a card whose text did not change is left alone.
// On a phone what folds is folded at first.
const PHONE = matchMedia("(max-width: 899px)")
export function render({model}) {
  const root = document.createElement("div"), shown = {}
  root.className = "cards"
  const show = () => {
    for (const [name, html] of model.cards) {
      const card = (shown[name] ??= root.appendChild(document.createElement("section")))
      if (card.html === html) continue
      card.className = `live card ${name}`
      const open = card.querySelector("details")?.open ?? !PHONE.matches
      card.innerHTML = card.html = html
      for (const fold of card.querySelectorAll("details")) fold.open = open
      fill(card, document.kvviz?.row)
    }
  }
  model.on("cards", show)
  hear(model, "row", (row) => fill(root, row))
  show()
  return root
}
