// Plays the tiles of flash attention one by one; the bars are each row's running maximum and sum.
const STEP_MS = 260, CELL = 30, GAP = 2

export function render({model}) {
  const card = document.createElement("section"), {tiles, blocks} = model, side = blocks * CELL
  card.className = "live card walk"
  card.innerHTML = `<header><h3>Flash, tile by tile</h3><button></button></header>
    <div class="body"><svg viewBox="0 0 ${side} ${side}" role="img" aria-label="Tiles of scores, query down, key right"></svg><div class="aside" aria-live="off"></div></div>
    <input type="range" min="0" max="${tiles.length - 1}" value="0" aria-label="Tile">`
  const [button, svg, aside, input] = ["button", "svg", ".aside", "input"].map((part) => card.querySelector(part))
  const done = new Map(tiles.map(([row, column], index) => [row * blocks + column, index]))
  const cells = []
  for (let row = 0; row < blocks; row++) for (let column = 0; column < blocks; column++) {
    const cell = document.createElementNS("http://www.w3.org/2000/svg", "rect")
    for (const [name, value] of Object.entries({x: column * CELL + GAP / 2, y: row * CELL + GAP / 2, width: CELL - GAP, height: CELL - GAP, rx: 4})) cell.setAttribute(name, value)
    svg.append(cell)
    cells.push(cell)
  }
  const number = (value) => value.toFixed(2).replace("-", "−")
  let at = 0, timer
  const show = () => {
    const [row, column, maximum, total] = tiles[at]
    cells.forEach((cell, place) => {
      const index = done.get(place)
      cell.setAttribute("class", index === undefined ? "skipped" : index === at ? "now" : index < at ? "done" : "")
    })
    input.value = at
    input.style.setProperty("--share", at / (tiles.length - 1))
    aside.innerHTML = `<p>Tile <b>${at + 1}</b> of ${tiles.length}: queries ${row * maximum.length} to ${(row + 1) * maximum.length - 1}, keys ${column * maximum.length} to ${(column + 1) * maximum.length - 1}</p>
      <table><tr><th>query</th><th>running max</th><th>running sum</th></tr>${maximum.map((m, i) => `<tr><td>${row * maximum.length + i}</td><td>${number(m)}</td><td>${number(total[i])}</td></tr>`).join("")}</table>`
  }
  const go = (index) => { at = (index + tiles.length) % tiles.length; show() }
  const play = (on) => {
    clearInterval(timer)
    timer = on ? setInterval(() => go(at + 1), STEP_MS) : undefined
    button.textContent = on ? "Pause" : "Play"
  }
  button.onclick = () => play(!timer)
  input.oninput = () => { play(false); go(+input.value) }
  model.on("remove", () => clearInterval(timer))
  go(0)
  play(!matchMedia("(prefers-reduced-motion: reduce)").matches)
  return card
}
