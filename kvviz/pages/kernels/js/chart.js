// A card: heading, figure, and what is said beside it.
export function render({model}) {
  const card = document.createElement("section")
  card.className = "live card chart"
  card.innerHTML = `<header><h3></h3><small></small></header><div class="body"><div class="plot" role="img"></div><div class="aside"></div></div>`
  const [heading, note, plot, aside] = ["h3", "small", ".plot", ".aside"].map((part) => card.querySelector(part))
  const show = () => {
    heading.textContent = model.heading
    note.innerHTML = model.note
    aside.innerHTML = model.aside
    aside.hidden = !model.aside
    plot.setAttribute("aria-label", model.told)
  }
  plot.append(model.get_child("chart"))
  model.on(["heading", "note", "aside", "told"], show)
  show()
  return card
}
