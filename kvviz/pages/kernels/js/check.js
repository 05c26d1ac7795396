// A kernel to run or not: a box in the kernel's colour, its name and what it is.
const TICK = '<svg width="12" height="10" viewBox="0 0 12 10" aria-hidden="true"><path d="M1 5l3.5 3.5L11 1.5" fill="none" stroke="currentColor" stroke-width="2"/></svg>'

export function render({model}) {
  const row = document.createElement("div")
  row.className = "kernel"
  row.innerHTML = `<button role="switch" aria-label="${model.label}">${TICK}</button><strong>${model.label}</strong><small>${model.note}</small>`
  const button = row.querySelector("button")
  const show = () => button.setAttribute("aria-checked", model.value)
  button.style.setProperty("--own", `var(${model.colour})`)
  row.onclick = () => { model.value = !model.value }
  model.on("value", show)
  show()
  return row
}
