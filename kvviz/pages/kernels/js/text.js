// HTML that the server writes.
export function render({model}) {
  const box = document.createElement("div")
  const show = () => { box.className = "live " + model.css_class; box.innerHTML = model.html }
  model.on(["html", "css_class"], show)
  show()
  return box
}
