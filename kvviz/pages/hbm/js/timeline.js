// The strip under the scene: its playhead, which glides between rows, its labels, and scrubbing.
const LABEL = 18 // px that a label's line of text takes

class TimelineStrip {
  constructor(model, root, seek) {
    Object.assign(this, {model, root, margins: model.margins})
    this.plot = root.querySelector(".plot")
    this.handle = root.querySelector(".handle")
    this.veil = root.querySelector(".veil")
    this.listen(seek)
    new ResizeObserver(() => this.measure()).observe(this.plot)
  }

  // Reads where the plot is; nothing else asks the page for its layout while it plays.
  measure() {
    const {left, right, top, bottom} = this.margins
    this.wide = this.plot.clientWidth - left - right
    this.high = this.plot.clientHeight - top - bottom
    Object.assign(this.veil.style, {left: `${left}px`, width: `${this.wide}px`, top: `${this.plot.offsetTop + top}px`, height: `${this.high}px`})
    this.place()
    this.label()
  }

  // Transforms alone, so that a frame lays nothing out.
  place(share = this.share ?? 0) {
    this.share = share
    this.handle.style.transform = `translateX(${this.margins.left + share * this.wide}px)`
    this.veil.style.transform = `scaleX(${1 - share})`
  }

  say(now, end) {
    this.handle.setAttribute("aria-valuenow", Math.round(now))
    this.handle.setAttribute("aria-valuemax", end)
    this.handle.setAttribute("aria-valuetext", `${SPELL.count(Math.round(now))} of ${SPELL.count(end)} tokens`)
  }

  // Labels of the capacities and of the first crossing: at the side with room, never over the edge.
  label() {
    const {marks} = this.model, root = this.root.querySelector(".marks"), {left, top} = this.margins
    if (!marks?.top || !this.high) return
    const y = (gib) => this.plot.offsetTop + top + this.high * (1 - gib / marks.top)
    const narrow = this.wide < 500
    const above = {true: Infinity, false: Infinity} // the top of the last label beside the first one, and over it
    let first = null // the first capacity's label, with room around it
    root.replaceChildren(...marks.labels.flatMap(({at, gib, text, short, role, how, below}) => {
      const label = document.createElement("span")
      Object.assign(label, {textContent: narrow ? short : text, title: how, className: role})
      root.append(label)
      const x = at === null ? 0 : at * this.wide, width = label.offsetWidth
      const place = at === null ? (marks.early ? this.wide - width - 4 : 6) : x + 12 + width <= this.wide ? x + 12 : Math.max(0, x - 12 - width)
      const high = y(gib) - 26 < this.plot.offsetTop - 6 // then the heading is in the way, and below the label before
      const over = first && place < first.right && place + width > first.left
      const aside = high && !marks.early, line = y(gib) + ((below && (narrow || over)) || high ? 4 : -26)
      const crowded = line + LABEL > above[aside] || (high && marks.early && first)
      if (y(gib) < this.plot.offsetTop || (at === null && crowded)) return []
      if (at === null) above[aside] = line
      first ??= {left: place - 8, right: place + width + 8}
      Object.assign(label.style, {left: `${left + (aside && first ? first.right : place)}px`, top: `${line}px`})
      return [label]
    }))
  }

  listen(seek) {
    const {plot, root} = this
    const to = (event) => {
      const box = plot.getBoundingClientRect(), {left, right} = this.margins
      seek((event.clientX - box.left - left) / (box.width - left - right))
    }
    root.addEventListener("pointerdown", (event) => {
      root.setPointerCapture(event.pointerId)
      to(event)
    })
    root.addEventListener("pointermove", (event) => { if (event.buttons) to(event) })
  }
}
