// Models down, GPUs across. Cells keep their elements while rows and columns stay, so tones fade.
const ROOMY = {columns: 10, rows: 14} // up to here cells are large and fill the card
const STEPS = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
               PageUp: [-8, 0], PageDown: [8, 0], Home: [0, -999], End: [0, 999]}
const NO_SPLIT = -2, UNKNOWN = -3

export function render({model}) {
  const card = document.createElement("section")
  card.className = "card heat"
  card.innerHTML = `<header><h1></h1></header><div class="map" role="grid" tabindex="-1"></div>
    <footer><span class="ramp"><b></b><i></i><b></b><span></span></span>
      <span class="hatched"><i></i><span></span></span><small></small></footer><p class="said" role="status"></p>`
  const map = card.querySelector(".map")
  let cells = [], names = ""

  const at = (row, column) => cells[row * model.view.columns.length + column]
  const place = () => [model.view.rows.findIndex((row) => row.name === model.chosen[0]),
                       model.view.columns.findIndex((column) => column.name === model.chosen[1])]

  const heading = (tag, {name, label, note, kind}, role) => {
    const element = document.createElement(tag)
    element.setAttribute("role", role)
    element.title = kind === "assumed" ? `${name}: its capacity is assumed` : name
    const words = document.createElement("span")
    words.textContent = label
    element.append(words)
    const small = document.createElement("small")
    small.textContent = kind === "assumed" ? `≈ ${note}` : note
    element.append(small)
    return element
  }

  const row = (...children) => {
    const element = document.createElement("div")
    element.setAttribute("role", "row")
    element.append(...children)
    return element
  }

  const build = () => {
    const {rows, columns} = model.view
    const corner = document.createElement("div")
    corner.setAttribute("role", "columnheader")
    corner.setAttribute("aria-label", "Model")
    cells = rows.flatMap((_, i) => columns.map((_, j) => {
      const cell = document.createElement("div")
      cell.setAttribute("role", "gridcell")
      cell.tabIndex = -1
      cell.onclick = () => choose(i, j)
      return cell
    }))
    map.replaceChildren(row(corner, ...columns.map((column) => heading("div", column, "columnheader"))),
      ...rows.map((one, i) => row(heading("div", one, "rowheader"), ...cells.slice(i * columns.length, (i + 1) * columns.length))))
    map.style.setProperty("--columns", columns.length)
    map.classList.toggle("roomy", columns.length <= ROOMY.columns && rows.length <= ROOMY.rows)
    map.classList.toggle("nothing", !cells.length)
  }

  const spoken = (i) => {
    const {rows, columns, texts, tones, unit} = model.view, tone = tones[i]
    const pair = `${rows[Math.floor(i / columns.length)].label} on ${columns[i % columns.length].label} ${columns[i % columns.length].note}`
    if (tone >= 0) return `${pair}: ${texts[i]} ${unit}`
    if (tone === NO_SPLIT) return `${pair}: its heads do not split over ${model.view.legend.gpus} GPUs`
    if (tone === UNKNOWN) return `${pair}: not known`
    return texts[i] === "never" ? `${pair}: fits no number of GPUs` : `${pair}: does not fit, needs ${texts[i]}`
  }

  // Bring the chosen cell to the middle of the map, without moving the page.
  const scroll = () => {
    const cell = at(...place()), {clientWidth, clientHeight} = map
    if (cell) map.scrollTo(cell.offsetLeft - map.offsetLeft - clientWidth / 2, cell.offsetTop - map.offsetTop - clientHeight / 2)
  }

  const paint = () => {
    const {palette, view: {texts, tones}} = model
    cells.forEach((cell, i) => {
      const [colour, ink] = palette[tones[i]] ?? ["", ""]
      if (cell.textContent !== texts[i]) cell.textContent = texts[i]
      cell.className = tones[i] >= 0 ? "" : tones[i] === NO_SPLIT ? "masked" : "needs"
      cell.style.cssText = colour && `background:${colour};color:${ink}`
      cell.setAttribute("aria-label", spoken(i))
    })
    mark()
  }

  const mark = () => {
    const [i, j] = place(), chosen = at(i, j)
    cells.forEach((cell) => { cell.tabIndex = -1; cell.removeAttribute("aria-selected") })
    const lines = map.querySelectorAll("[role=row]")
    lines.forEach((line, n) => line.firstChild.classList.toggle("here", n === i + 1))
    lines[0]?.childNodes.forEach((head, n) => head.classList.toggle("here", j >= 0 && n === j + 1))
    const first = i >= 0 && j >= 0 ? chosen : cells[0]
    if (first) first.tabIndex = 0
    if (first === chosen) chosen?.setAttribute("aria-selected", "true")
    say()
  }

  const say = () => {
    const {tones, columns, heading} = model.view, [i, j] = place()
    const fit = tones.filter((tone) => tone >= 0).length
    const chosen = i >= 0 && j >= 0 ? `${spoken(i * columns.length + j)}. ` : ""
    card.querySelector(".said").textContent = `${heading}. ${chosen}Of ${tones.length} pairs shown, ${fit} have a figure.`
  }

  const choose = (i, j) => {
    model.chosen = [model.view.rows[i].name, model.view.columns[j].name]
    mark()
    at(i, j).focus({preventScroll: true})
    at(i, j).scrollIntoView({block: "nearest", inline: "nearest"})
  }

  map.onkeydown = (event) => {
    const step = STEPS[event.key]
    if (!step || !cells.length || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    const now = cells.indexOf(card.getRootNode().activeElement), wide = model.view.columns.length
    const clamp = (value, most) => Math.max(0, Math.min(most - 1, value))
    const from = now < 0 ? 0 : now
    choose(clamp(Math.floor(from / wide) + step[0], model.view.rows.length), clamp((from % wide) + step[1], wide))
  }

  const show = () => {
    const {rows, columns, legend, heading, unit, tones, kind} = model.view, now = JSON.stringify([rows, columns])
    const built = now !== names
    if (built) build()
    names = now
    card.querySelector("h1").textContent = heading
    map.setAttribute("aria-label", heading)
    const [low, high] = card.querySelectorAll(".ramp b"), [worst, best] = legend.ends
    low.textContent = worst
    high.textContent = best
    card.querySelector(".ramp > span").textContent = `${unit}, log scale`
    card.querySelector(".ramp i").style.background = `linear-gradient(90deg, ${model.palette.map(([colour]) => colour).join(",")})`
    card.querySelector(".ramp").hidden = !tones.some((tone) => tone >= 0)
    card.querySelector(".hatched span").textContent = legend.gpus === 1 ? "does not fit one: GPUs needed" : `does not fit ${legend.gpus}: GPUs needed`
    card.querySelector(".hatched").hidden = !tones.includes(-1)
    card.querySelector("footer small").textContent = kind
    paint()
    if (built) requestAnimationFrame(scroll) // once it has its size
  }

  model.on("view", show)
  model.on("chosen", mark)
  show()
  return card
}
