// Fills elements that carry numbers of the playhead's row: text by data-live, visibility by data-if.
const GIB = 2 ** 30
const grouped = (value, digits) =>
  value.toLocaleString("en-US", {minimumFractionDigits: digits, maximumFractionDigits: digits})
const SPELL = {
  gib: (bytes) => grouped(bytes / GIB, 2),
  gib1: (bytes) => grouped(bytes / GIB, 1),
  change: (bytes) => (bytes > 0 ? "−" : bytes < 0 ? "+" : "") + grouped(Math.abs(bytes) / GIB, 2),
  count: (value) => (isNaN(value) ? "not known" : grouped(value, 0)),
  percent: (share) => grouped(100 * share, 1) + "%",
  percent0: (share) => grouped(100 * share, 0) + "%",
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
  for (const el of root.querySelectorAll("[data-if]")) el.hidden = !(row[el.dataset.if] > 0)
  for (const el of root.querySelectorAll("[data-unless]")) el.hidden = row[el.dataset.unless] > 0
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
