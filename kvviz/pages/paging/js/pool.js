// The pool as a grid of cells on one canvas: it fills block by block, and tells of each one.
const NAMES = "ABC", STEP_MS = 40, FADE_MS = 120, MOST_MS = 2560, NARROW_PX = 700, LABEL_PX = 8, MOST_RUNS = 8

// The sequences' rows by physical block, in the order in which blocks are taken.
function owners({counts, tokens, block}, tables) {
  const found = new Map()
  let at = 0
  counts.forEach((count, sequence) => {
    for (let logical = 0; logical < count; logical++, at++) {
      const rows = found.get(tables[at]) ?? []
      rows.push({sequence, logical, tokens: Math.min(block, tokens[sequence] - logical * block), order: found.size})
      found.set(tables[at], rows)
    }
  })
  return found
}

function poolView() {
  const box = element(`<div class="pool"><canvas tabindex="0" role="img"></canvas><div class="runs" aria-hidden="true"></div>
    <div class="tip" role="status" hidden></div></div>`)
  const [canvas, runs, tip] = box.children
  let pool, held = new Map(), blocks = 0, shape = [1, 1, 1], cell = 1, started = -1e9, at = -1, frame = 0, colours = {}

  const place = (index) => [(index % shape[0]) * cell, Math.floor(index / shape[0]) * cell]
  const shareOf = (row) => row.logical / Math.max(1, pool.counts[0] - 1)
  const pace = () => Math.min(STEP_MS, MOST_MS / Math.max(1, held.size))

  function measure() {
    const width = box.clientWidth
    shape = width < NARROW_PX ? pool.narrow : pool.wide
    cell = width / shape[0]
    const ratio = devicePixelRatio || 1
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(cell * shape[1] * ratio)
    canvas.style.height = `${cell * shape[1]}px`
    const style = getComputedStyle(box)
    colours = Object.fromEntries(["free", "line", "in-use1", "in-use2", "seq0", "seq1", "text1", "card"].map((name) => [name, style.getPropertyValue("--" + name).trim()]))
    ramp = Array.from({length: 33}, (_, i) => mixedHex(colours["in-use1"], colours["in-use2"], i / 32))
  }
  let ramp = []

  function draw(now) {
    frame = 0
    const pen = canvas.getContext("2d"), ratio = devicePixelRatio || 1, gap = cell > 8 ? 2 : cell > 5 ? 1.2 : cell > 2.5 ? .5 : 0
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, canvas.width, canvas.height)
    const total = Math.ceil(blocks / shape[2])
    pen.fillStyle = colours.free
    pen.strokeStyle = colours.line
    pen.beginPath()
    for (let i = 0; i < total; i++) {
      const [x, y] = place(i)
      pen.roundRect(x + gap / 2, y + gap / 2, cell - gap, cell - gap, cell > 5 ? 2 : 0)
    }
    pen.fill()
    if (cell > 4) pen.stroke()
    started ??= now // the first frame, so that a busy page skips no block
    const passed = (now - started) / pace()
    let moving = false
    for (const [block, rows] of held) {
      const since = (passed - rows[0].order) * pace() / FADE_MS
      if (since < 1) moving = true
      if (since <= 0) continue
      pen.globalAlpha = Math.min(1, since)
      paint(pen, place(Math.floor(block / shape[2])), rows[0], gap)
    }
    pen.globalAlpha = 1
    if (at >= 0) {
      const [x, y] = place(at)
      pen.strokeStyle = colours.text1
      pen.lineWidth = 2
      pen.strokeRect(x + 1, y + 1, Math.max(2, cell - 2), Math.max(2, cell - 2))
      pen.lineWidth = 1
    }
    runs.hidden = moving
    if (moving) again()
  }
  const again = () => { frame ||= requestAnimationFrame(draw) }

  function paint(pen, [x, y], row, gap) {
    const size = cell - gap, left = x + gap / 2, top = y + gap / 2, round = cell > 5 ? 2 : 0
    pen.fillStyle = row.sequence ? colours[`seq${row.sequence - 1}`] : ramp[Math.round(32 * shareOf(row))]
    pen.beginPath()
    pen.roundRect(left, top, size, size, round)
    pen.fill()
    if (!row.sequence || cell < 5) return
    pen.fillStyle = colours.card // B's and C's own blocks are rings, so that colour is not alone
    pen.beginPath()
    pen.roundRect(left + 2, top + 2, size - 4, size - 4, 1)
    pen.fill()
  }

  // Runs of neighbouring blocks, named beside them while there are few.
  function label() {
    const sorted = [...held.keys()].sort((a, b) => a - b), found = []
    for (const block of sorted) {
      const last = found.at(-1)
      if (last && block === last[1] + 1 && block % shape[0]) last[1] = block
      else found.push([block, block])
    }
    runs.replaceChildren()
    if (shape[2] > 1 || cell < LABEL_PX || found.length > MOST_RUNS) return
    const taken = found.map(([first, last]) => [Math.floor(first / shape[0]), first % shape[0], last % shape[0]])
    found.forEach(([first, last], i) => {
      const text = first === last ? `${first}` : `${first} to ${last}`, wide = Math.ceil((text.length * 8 + 12) / cell)
      const [line, from, to] = taken[i]
      const free = (a, b) => a >= 0 && b < shape[0] && taken.every(([other, c, d], j) => j === i || other !== line || d < a || c > b)
      const start = free(to + 1, to + wide) ? to + 1 : free(from - wide, from - 1) ? from - wide : -1
      if (start < 0) return
      taken.push([line, start, start + wide - 1])
      runs.append(element(`<span style="left: ${start * cell}px; top: ${(line + .5) * cell}px; width: ${wide * cell}px">${text}</span>`))
    })
  }

  function tell(index) {
    at = index
    again()
    tip.hidden = index < 0
    if (index < 0) return
    tip.innerHTML = words(index)
    const [x, y] = place(index), width = box.clientWidth
    tip.style.left = `${Math.min(Math.max(0, x + cell / 2 - tip.offsetWidth / 2), width - tip.offsetWidth)}px`
    tip.style.top = `${y + cell + 8}px`
  }

  function words(index) {
    const first = index * shape[2], end = Math.min(blocks, first + shape[2])
    if (shape[2] > 1) {
      let used = 0
      for (let block = first; block < end; block++) if (held.has(block)) used++
      return `<b>blocks ${first} to ${end - 1}</b>, ${used} in use`
    }
    const rows = held.get(first)
    if (!rows) return `<b>block ${first}</b> is free`
    const [{tokens}] = rows
    const whose = rows.map(({sequence, logical}) => `${NAMES[sequence]}, logical ${logical}`).join("; ")
    return `<b>block ${first}</b>: ${whose}<br>${tokens} of ${pool.block} tokens, ${rows.length} reference${rows.length > 1 ? "s" : ""}`
  }

  canvas.onpointermove = canvas.onpointerdown = (event) => {
    const {left, top} = canvas.getBoundingClientRect()
    const column = Math.floor((event.clientX - left) / cell), line = Math.floor((event.clientY - top) / cell)
    const index = line * shape[0] + column
    tell(column >= 0 && column < shape[0] && index < Math.ceil(blocks / shape[2]) ? index : -1)
  }
  canvas.onblur = () => tell(-1)
  canvas.onpointerleave = ({pointerType}) => { if (pointerType === "mouse") tell(-1) } // a tap's tip stays
  canvas.onkeydown = (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: shape[0], ArrowUp: -shape[0]}[event.key]
    if (event.key === "Escape") return tell(-1)
    if (!step) return
    event.preventDefault()
    const first = held.size ? Math.floor(held.keys().next().value / shape[2]) : 0
    const next = at < 0 ? first : at + step
    if (next >= 0 && next < Math.ceil(blocks / shape[2])) tell(next)
  }

  const resized = () => { if (pool) { measure(); label(); again() } }
  new ResizeObserver(resized).observe(box)
  return {
    box,
    resized,
    show(next, tables, play) {
      pool = next
      blocks = pool.blocks
      held = owners(pool, tables)
      canvas.setAttribute("aria-label", pool.said)
      started = play ? null : -1e9
      if (box.clientWidth) resized()
    },
  }
}

function mixedHex(from, to, share) {
  const part = (hex, i) => parseInt(hex.slice(i, i + 2), 16)
  return "#" + [1, 3, 5].map((i) => Math.round(part(from, i) * (1 - share) + part(to, i) * share).toString(16).padStart(2, "0")).join("")
}
