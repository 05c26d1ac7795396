// One setting as a native input: slider over steps, switch, segments or a list of names.
export function render({model}) {
  const box = document.createElement("div")
  const draw = () => { box.replaceChildren(...DRAW[model.kind](model)) }
  model.on(["value", "options", "note", "label"], () => {
    if (model.kind !== "search" || model.value !== box.firstChild.value) draw() // keep the caret
  })
  hear(model, "row", (row) => fill(box, row))
  draw()
  box.title = model.hint
  return box
}

const element = (html) => {
  const holder = document.createElement("template")
  holder.innerHTML = html.trim()
  return holder.content.firstElementChild
}

const DRAW = {
  slider(model) {
    const {options} = model, index = Math.max(0, options.findIndex(([value]) => value === model.value))
    const label = element(`<label class="slider"><span>${model.label}<b>${options[index][1]}</b></span>
      <input type="range" min="0" max="${options.length - 1}" step="1" value="${index}" style="--share:${index / (options.length - 1)}"></label>`)
    const input = label.querySelector("input"), shown = label.querySelector("b")
    input.oninput = () => {
      shown.textContent = options[input.value][1]
      input.style.setProperty("--share", input.value / (options.length - 1))
    }
    input.onchange = () => { model.value = options[input.value][0] }
    return [label]
  },

  switch(model) {
    const row = element(`<div class="toggle"><button role="switch" aria-checked="${model.value}" aria-label="${model.label}"><i></i></button>
      <strong>${model.label}</strong><div class="note">${model.note}</div></div>`)
    row.querySelector("button").onclick = () => { model.value = !model.value }
    fill(row, document.kvviz?.row)
    return [row]
  },

  segment(model) {
    const row = element(`<div class="labelled"><span>${model.label}</span><div class="seg" role="radiogroup" aria-label="${model.label}"></div></div>`)
    for (const [value, text] of model.options) {
      const button = element(`<button role="radio" aria-checked="${value === model.value}">${text}</button>`)
      button.onclick = () => { model.value = value }
      row.querySelector(".seg").append(button)
    }
    return [row]
  },

  fold(model) {
    const button = element(`<button class="fold" aria-expanded="${model.value}">${model.label}<i></i></button>`)
    button.onclick = () => { model.value = !model.value }
    return [button]
  },

  pick(model) {
    const label = element(`<label class="pick"><span>${model.label}</span><select aria-label="${model.label}"></select></label>`)
    const select = label.querySelector("select"), {options, value} = model
    options.forEach(([each, text], i) => select.add(new Option(text, i, false, each === value)))
    select.onchange = () => { model.value = options[select.value][0] }
    return [label]
  },

  search(model) {
    const input = element(`<input type="search" aria-label="${model.label}" placeholder="${model.label}" spellcheck="false">`)
    input.value = model.value
    input.oninput = () => { model.value = input.value }
    return [input]
  },

  select(model) {
    const select = element(`<select aria-label="${model.label}"></select>`)
    for (const [value, text] of model.options) select.add(new Option(text, value, false, value === model.value))
    select.onchange = () => { model.value = select.value }
    return [select]
  },
}
