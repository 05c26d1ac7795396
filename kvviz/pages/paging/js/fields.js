// One setting as a select in a frame with its name; "Other" turns it into a number.
const element = (html) => {
  const holder = document.createElement("template")
  holder.innerHTML = html.trim()
  return holder.content.firstElementChild
}

function picker(field, set) {
  const box = element(`<label class="picker ${field.name}"><span></span><select></select><input type="number" step="1" hidden></label>`)
  const [name, select, input] = box.children
  const other = (open) => { select.hidden = open; input.hidden = !open }
  const show = (next) => {
    name.textContent = next.label
    box.title = next.hint
    select.replaceChildren(...next.options.map(([value, text]) => new Option(text, value, false, value === next.value)))
    if (next.bounds && next.name !== "sequences") select.add(new Option("Other…", "other"))
    input.min = next.bounds?.[0]
    input.max = next.bounds?.[1]
    input.value = next.value
    other(false)
  }
  select.onchange = () => {
    if (select.value !== "other") return set(field.name, select.value)
    other(true)
    input.focus()
    input.select()
  }
  const enter = () => { if (!input.hidden) { set(field.name, input.value); other(false) } }
  input.onkeydown = (event) => {
    if (event.key === "Enter") enter()
    if (event.key === "Escape") show(field)
  }
  input.onblur = enter
  show(field)
  return [box, (next) => { field = next; show(next) }]
}
