// Paints a figure once an animation frame, however often it is asked to. Bokeh itself merges
// requests by a timer of 1/60 s, whose paints come in every second frame of a run that asks in each.
/** @import {Figure, Glyph} from "../../kit/js/browser.d.ts" */

/** @type {(figure: Figure) => void} */
export function paintByFrame(figure) {
  const view = Bokeh.index.find_one(figure)
  if (!view || view.paintsByFrame) return
  let asked = false, waiting = false
  // A frame that painted looks into the next one too: there it comes after what the run changes.
  const paint = () => {
    waiting = asked && !view.is_destroyed
    asked = false
    if (!waiting) return
    view.repaint()
    requestAnimationFrame(paint)
  }
  view.paintsByFrame = true
  view.throttled_paint = async () => {
    asked = true
    if (!waiting) requestAnimationFrame(paint)
    waiting = true
  }
}

// Strokes, dots and hatches of a figure grow with it above the design's size. The browser's own
// affair: nothing of it is sent.
const GROWING = ["line_width", "size", "hatch_scale", "hatch_weight"]
/** What each glyph had at first. @type {WeakMap<Glyph, [string, number][]>} */
const sizes = new WeakMap()

/** @type {(glyph: Glyph) => [string, number][]} */
const sizesOf = (glyph) => GROWING.filter((name) => glyph[name]?.value > 0).map((name) => [name, glyph[name].value])

/** @type {(figure: Figure, scale: number) => void} */
export function grow(figure, scale) {
  for (const {glyph} of figure.renderers) {
    const first = sizes.get(glyph) ?? sizesOf(glyph)
    sizes.set(glyph, first)
    const now = first.map(([name, value]) => [name, {value: value * Math.max(1, scale)}])
    glyph.setv(Object.fromEntries(now), {sync: false})
  }
}
