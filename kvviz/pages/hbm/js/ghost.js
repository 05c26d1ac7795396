// The scores that FlashAttention avoids, outlined on exactly the pages they would take.
const LABEL_HIGH = 26, LABEL_WIDE = 150, PHONE_LABEL_WIDE = 60 // px a label needs, in the scene's own

class Ghost {
  constructor(source, texts) { Object.assign(this, {source, texts}) }

  show({held_pages, avoided}, {sites: box, layout, phone}) {
    const sites = box.left.length, wanted = Math.ceil(avoided / layout.page_bytes), limit = layout.gpu_pages
    const from = Math.min(held_pages, limit), to = Math.min(held_pages + wanted, limit)
    const past = Math.max(0, held_pages * layout.page_bytes + avoided - layout.capacity)
    const lines = this.words(avoided / sites, past / sites, phone)
    const xs = [], ys = [], labels = []
    for (let site = 0; site < sites && to > from; site++) {
      const cellOf = (page) => Math.ceil(Math.max(0, page - site) / sites) / layout.pages_per_cell
      const [a, b] = [Math.round(cellOf(from)), Math.round(cellOf(to))]
      if (b <= a) continue
      const shape = region(a, b, layout, box.left[site], box.bottom[site], box.w[site], box.h[site])
      xs.push(shape.xs)
      ys.push(shape.ys)
      labels.push(...this.label(shape, box.left[site] + box.w[site] / 2, box.w[site], lines, phone))
    }
    put(this.source, {xs, ys})
    this.texts.put("ghost", labels)
  }

  words(each, past, phone) {
    if (phone) return [`${SPELL.gib1(each)} saved`]
    return [`${SPELL.gib1(each)} GiB saved`, ...(past > 0 ? [`${SPELL.gib1(past)} more than fits`] : [])]
  }

  label({ys}, x, wide, lines, phone) {
    const low = Math.min(...ys), high = Math.max(...ys), [least, line] = phone ? [PHONE_LABEL_WIDE, 40] : [LABEL_WIDE, LABEL_HIGH]
    if (high - low < line * lines.length || wide < least) return []
    return [{x, y: (low + high) / 2, text: lines.join("\n"), align: "center", bold: true, role: "red-text", how: "computed", plate: true}]
  }
}

// The outline of the cells below fill position `n`, in cells from the lower left: a stair of bands.
function skyline(n, {columns, rows, band}) {
  const base = Math.min(Math.floor(n / (band * columns)) * band, rows)
  const high = Math.min(band, rows - base)
  const inBand = high > 0 ? n - base * columns : 0
  const column = high > 0 ? Math.floor(inBand / high) : 0
  const top = base + (high > 0 ? inBand - column * high : 0)
  return [[0, base + high], [column, base + high], [column, top], [column + 1, top],
          [column + 1, base], [columns, base]].map(([x, y]) => [Math.min(x, columns), y])
}

// The polygon of fill positions from `a` to `b` on a site whose lower left is (left, bottom).
function region(a, b, layout, left, bottom, w, h) {
  const points = [...column0(skyline(b, layout)), ...column0(skyline(a, layout)).reverse()]
  return {
    xs: points.map(([x]) => left + (x * w) / layout.columns),
    ys: points.map(([, y]) => bottom + (y * h) / layout.rows),
  }
}

// A stair whose first column is empty starts at its band's floor.
const column0 = (points) => (points[1][0] === 0 ? points.slice(2) : points)
