// Native inputs, one a setting. A field is drawn once; `show` brings its value and options up to
// date, so that it keeps the keyboard's focus.
const element = (html) => {
  const holder = document.createElement("template")
  holder.innerHTML = html.trim()
  return holder.content.firstElementChild
}

const options = (select, list, value) => {
  const key = JSON.stringify(list)
  if (select.list !== key) select.replaceChildren(...list.map(([each, text]) => new Option(text, each)))
  select.list = key
  select.value = value
}

// Each draws a field and returns its element and how it is brought up to date; `set` takes a value.
const FIELDS = {
  slider(field, set) {
    const root = element(`<label class="slider"><span>${field.label}<b></b></span><input type="range" min="0" step="1"></label>`)
    const input = root.querySelector("input"), shown = root.querySelector("b")
    let steps = []
    const label = () => {
      shown.textContent = steps[input.value][1]
      input.style.setProperty("--share", steps.length > 1 ? input.value / (steps.length - 1) : 1)
      input.setAttribute("aria-valuetext", steps[input.value][1])
    }
    input.oninput = label
    input.onchange = () => set(steps[input.value][0])
    const show = (next) => {
      root.title = next.hint
      steps = next.options
      input.max = steps.length - 1
      input.value = Math.max(0, steps.findIndex(([value]) => value === next.value))
      label()
    }
    return [root, show]
  },

  switch(field, set) {
    const root = element(`<div class="toggle"><button role="switch" aria-label="${field.label}"><i></i></button>
      <strong>${field.label}</strong><div class="note"></div></div>`)
    const button = root.querySelector("button"), note = root.querySelector(".note")
    button.onclick = () => set(button.getAttribute("aria-checked") !== "true")
    const show = (next) => {
      button.setAttribute("aria-checked", next.value)
      if (note.html !== next.note) note.innerHTML = note.html = next.note
      fill(root, document.kvviz?.row)
    }
    return [root, show]
  },

  segment(field, set) {
    const root = element(`<div class="labelled" title="${field.hint}"><span>${field.label}</span><div class="seg" role="radiogroup" aria-label="${field.label}"></div></div>`)
    const group = root.querySelector(".seg"), more = field.others && element(`<select class="more" aria-label="${field.label}, other types"></select>`)
    if (more) more.onchange = () => { if (more.value) set(more.value) }
    const show = (next) => {
      group.replaceChildren(...next.options.map(([value, text]) => {
        const button = element(`<button role="radio" aria-checked="${value === next.value}">${text}</button>`)
        button.onclick = () => set(value)
        return button
      }))
      if (!more) return
      const other = next.others.some(([value]) => value === next.value)
      options(more, [["", "…"], ...next.others], other ? next.value : "")
      more.classList.toggle("on", other)
      group.append(more)
    }
    return [root, show]
  },

  select(field, set) {
    const root = element(`<select aria-label="${field.label}" title="${field.hint}"></select>`)
    let list = []
    root.onchange = () => set(list.find(([value]) => String(value) === root.value)[0])
    return [root, (next) => { list = next.options; options(root, list, next.value) }]
  },

  number(field, set) {
    const root = element(`<label class="labelled number" title="${field.hint}"><span>${field.label}</span>
      <span><input type="number" min="0" step="0.05"> <small>${field.unit}</small></span></label>`)
    const input = root.querySelector("input")
    input.onchange = () => set(input.value === "" ? null : Number(input.value))
    const show = (next) => {
      input.value = next.value ?? ""
      input.placeholder = next.assumed
      input.title = next.value === null ? `assumed: ${next.source}` : "set by you; empty it for the assumed value"
    }
    return [root, show]
  },
}
