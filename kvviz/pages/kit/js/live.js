// Fills elements that carry numbers of the playhead's row: text by data-live, width by data-width as
// a share of data-of, visibility by data-if (more than nothing, or than data-above) and data-unless.
const GIB = 2 ** 30
const formats = {}
const grouped = (value, digits) =>
  (formats[digits] ??= new Intl.NumberFormat("en-US", {minimumFractionDigits: digits, maximumFractionDigits: digits})).format(value)
const UNITS = [[GIB, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]
const FULL = 1 - 0.05 / 1024 // of a unit: from here on the next smaller one would spell 1,024.0
const spelled = (bytes, [unit, name, digits = 1]) => `${grouped(bytes / unit, digits)} ${name}`
const EXACT = 1e-12 // nearer than this, sums of shares do not tell two of them apart
// As units.share spells one that is not negative: none and all only where it is exactly that, else
// by the last step before.
const shareOf = (share, digits) => {
  const whole = 100 * 10 ** digits, steps = Math.floor(share * whole + 0.5)
  const spell = (n) => `${grouped(n / 10 ** digits, digits)}%`
  if (steps === 0 && share >= EXACT) return `<\u00a0${spell(1)}`
  if (steps === whole && Math.abs(share - 1) >= EXACT) return `>\u00a0${spell(whole - (share < 1))}`
  return spell(steps)
}
const SPELL = {
  gib: (bytes) => grouped(bytes / GIB, bytes < 1000 * GIB ? 2 : bytes < 10_000 * GIB ? 1 : 0),
  amount: (bytes) => (bytes && bytes < 0.005 * GIB ? SPELL.size(bytes) : `${SPELL.gib(bytes)} GiB`), // small ones in their own unit
  size: (bytes) => spelled(bytes, UNITS.find(([unit]) => Math.abs(bytes) >= unit * FULL) ?? [1, "B", 0]),
  gib1: (bytes) => grouped(bytes / GIB, 1),
  change: (bytes) => (bytes > 0 ? "−" : bytes < 0 ? "+" : "") + SPELL.amount(Math.abs(bytes)),
  count: (value) => (isNaN(value) ? "not known" : grouped(value, 0)),
  tenth: (value) => grouped(value, 1),
  seconds: (value) => (isNaN(value) ? "none" : value < 0.9995 ? `${Number((value * 1e3).toPrecision(3))} ms` : `${Number(value.toPrecision(3)).toLocaleString("en-US")} s`),
  percent: (share) => shareOf(share, 1),
  percent0: (share) => (isNaN(share) ? "not known" : shareOf(share, 0)),
  equals: (share) => SPELL.percent(share).replace(/^(?=\d)/, "= "),
  fall: (share) => shareOf(share, 0).replace(/^([<>])/, (bound) => (bound === "<" ? ">" : "<")).replace(/[1-9]/, "−$&"),
}

function fill(root, row) {
  if (!row) {
    for (const el of root.querySelectorAll("[data-if], [data-unless]")) el.hidden = true
    return
  }
  for (const el of root.querySelectorAll("[data-live]")) {
    const text = SPELL[el.dataset.unit](row[el.dataset.live])
    if (el.textContent !== text) el.textContent = text
  }
  for (const el of root.querySelectorAll("[data-width]"))
    el.style.width = `${(100 * Math.max(0, row[el.dataset.width])) / row[el.dataset.of]}%`
  for (const el of root.querySelectorAll("[data-if]")) el.hidden = !(row[el.dataset.if] > (el.dataset.above ?? 0))
  for (const el of root.querySelectorAll("[data-unless]")) el.hidden = row[el.dataset.unless] > 0
}

// Changes a source's data in place, so that nothing is sent to the server.
const put = (source, columns) => {
  Object.assign(source.data, columns)
  source.change.emit()
}

// One player a page speaks; cards and controls listen. Its last row and state are kept for late comers.
const say = (name, detail) => {
  if (name !== "command") document.kvviz = {...document.kvviz, [name]: detail}
  document.dispatchEvent(new CustomEvent("kvviz:" + name, {detail}))
}
const hear = (model, name, react) => {
  const listener = (event) => react(event.detail)
  document.addEventListener("kvviz:" + name, listener)
  model.on("remove", () => document.removeEventListener("kvviz:" + name, listener))
  if (document.kvviz?.[name]) react(document.kvviz[name])
}
