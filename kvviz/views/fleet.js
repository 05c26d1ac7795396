// Several GPUs as one address space, where the run does not fit one; texts and bar follow the row.
class Fleet {
  constructor(model, source, images) {
    Object.assign(this, {model, source, places: model.places, layout: model.layout})
    const {fleet_sites, bar: [x, y, w, h], bar_columns} = this.places, sites = images.length / this.layout.gpus
    const part = (from, to) => Object.fromEntries(Object.entries(fleet_sites).map(([name, column]) => [name, column.slice(from, to)]))
    this.put("fleet_pages", {...part(0, sites), image: images.slice(0, sites)})
    this.put("fleet_spill", {...part(sites), image: images.slice(sites)})
    this.strip = new images[0].constructor(bar_columns, [1, bar_columns])
    this.put("bar", {x: [x], y: [y], w: [w], h: [h], image: [this.strip]})
  }

  put(name, columns) { put(this.source(name), columns) }

  show(row, pages) {
    for (const name of ["fleet_pages", "fleet_spill"]) this.source(name).change.emit()
    this.spread(pages)
    this.mark(row)
    this.write(row)
  }

  // Each column of the bar shows the page at its middle; beyond the first GPU under the red wash.
  spread(pages) {
    const {bar_columns} = this.places, {gpu_pages, codes} = this.layout, wash = codes.scores + 1
    for (let i = 0; i < bar_columns; i++) {
      const page = Math.floor(((i + 0.5) / bar_columns) * this.layout.pages)
      this.strip[i] = pages.code(page) + (page >= gpu_pages ? wash : 0)
    }
    this.source("bar").change.emit()
  }

  // Where a byte of the address space lies on the bar.
  at(bytes) {
    const [x, , w] = this.places.bar
    return x + (w * bytes) / (this.layout.capacity * this.layout.gpus)
  }

  mark(row) {
    const [, y, , h] = this.places.bar, {capacity, gpus} = this.layout, from = this.at(capacity)
    const ends = Array.from({length: gpus - 1}, (_, i) => this.at(capacity * (i + 1)))
    this.put("bar_ends", {x0: ends, x1: ends, y0: ends.map((_, i) => (i ? y + h : y - 8)), y1: ends.map((_, i) => y + h + (i ? 6 : 10))})
    const to = Math.min(this.at(row.total), this.at(capacity * gpus))
    this.put("bar_over", {x0: [from, from, to], x1: [to, from, to], y0: [y - 14, y - 14, y - 14], y1: [y - 14, y - 7, y - 7]})
  }

  write(row) {
    const {capacity, gpu, gpus} = this.layout, [, y, w, h] = this.places.bar, plain = [], red = []
    const gib = SPELL.gib, beyond = Math.ceil(row.total / capacity) - gpus
    this.places.frames.forEach(([x, top, wide, high], g) => {
      const held = Math.max(0, Math.min(capacity, row.total - g * capacity)), size = wide > 250 ? "15px" : "13px"
      const [left, right] = g === 0 ? ["GPU 0, the one you have", gib(capacity) + " GiB"]
        : held > 0 ? [`GPU ${g}, missing`, `+${gib(held)} GiB`] : [`GPU ${g}${wide > 250 ? ", not needed yet" : ""}`, wide > 250 ? "" : "not yet"]
      const into = g === 0 || held === 0 ? plain : red
      into.push([x + 2, top + 9, wide > 250 ? left : `GPU ${g}`, size, "bold", "left"], [x + wide - 2, top + 9, right, size, "normal", "right"])
      const middle = this.places.middles[g]
      into.push([middle[0], middle[1] - 6, String(g), wide > 250 ? "30px" : "20px", "bold", "center"])
      into.push([middle[0], middle[1] - 28, held === capacity ? "full" : SPELL.percent0(held / capacity), "13px", "bold", "center"])
    })
    plain.push([2, y + h + 32, "One address space, filled in order", "15px", "bold", "left"])
    const end = this.at(capacity), side = end < 220 ? [end + 6, "left"] : [end - 6, "right"]
    plain.push([side[0], y + h + 11, `one ${gpu} ends here, ${gib(capacity)}`, "13px", "normal", side[1]])
    const over = `${gib(row.over)} GiB has nowhere to go` + (beyond > 0 ? `, ${SPELL.count(beyond)} more GPU${beyond > 1 ? "s" : ""} of it past this picture` : "")
    red.push([this.at(capacity), y - 32, over, "15px", "bold", "left"])
    plain.push([w - 2, y - 32, `${gib(row.unused)} GiB reserved and unused`, "13px", "normal", "right"])
    for (const [name, texts] of [["fleet_plain", plain], ["fleet_red", red]])
      this.put(name, Object.fromEntries(["x", "y", "text", "size", "style", "align"].map((column, i) => [column, texts.map((t) => t[i])])))
  }
}
