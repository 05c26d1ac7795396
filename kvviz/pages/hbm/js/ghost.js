// The scores that FlashAttention avoids, outlined on exactly the pages they would take.
import {SPELL} from "../../kit/js/numbers.js"
import {put} from "../../kit/js/source.js"
import {outline} from "./raster.js"
/** @import {Row, Source} from "../../kit/js/browser.d.ts" */
/** @import {Boxes, Layout} from "./payloads.d.ts" */
/** @import {Said, Texts} from "./texts.js" */
const LABEL_HIGH = 26, LABEL_WIDE = 150, PHONE_LABEL_WIDE = 60 // px a label needs, in the scene's own

export class Ghost {
  /** @param {Source} source @param {Texts} texts */
  constructor(source, texts) {
    this.source = source
    this.texts = texts
  }

  /** @type {(row: Row, scene: {sites: Boxes, layout: Layout, phone: boolean}) => void} */
  show({held_pages, avoided}, {sites: {left, bottom, w, h}, layout, phone}) {
    const sites = left.length, wanted = Math.ceil(avoided / layout.page_bytes), limit = layout.gpu_pages
    const from = Math.min(held_pages, limit), to = Math.min(held_pages + wanted, limit)
    const past = Math.max(0, held_pages * layout.page_bytes + avoided - layout.capacity)
    const lines = this.words(avoided / sites, past / sites, phone)
    /** @type {number[][]} */
    const xs = [], /** @type {number[][]} */ ys = [], /** @type {Said[]} */ labels = []
    for (let site = 0; site < sites && to > from; site++) {
      const cellOf = (/** @type {number} */ page) => Math.round(Math.ceil(Math.max(0, page - site) / sites) / layout.pages_per_cell)
      const [a, b] = [cellOf(from), cellOf(to)]
      if (b <= a) continue
      const points = outline(a, b, layout), up = points.map(([, y]) => bottom[site] + (y * h[site]) / layout.rows)
      xs.push(points.map(([x]) => left[site] + (x * w[site]) / layout.columns))
      ys.push(up)
      labels.push(...this.label(up, left[site] + w[site] / 2, w[site], lines, phone))
    }
    put(this.source, {xs, ys})
    this.texts.put("ghost", labels)
  }

  /** @type {(each: number, past: number, phone: boolean) => string[]} */
  words(each, past, phone) {
    if (phone) return [`${SPELL.gib1(each)} saved`]
    return [`${SPELL.gib1(each)} GiB saved`, ...(past > 0 ? [`${SPELL.gib1(past)} more than fits`] : [])]
  }

  /** @type {(ys: number[], x: number, wide: number, lines: string[], phone: boolean) => Said[]} */
  label(ys, x, wide, lines, phone) {
    const low = Math.min(...ys), high = Math.max(...ys), [least, line] = phone ? [PHONE_LABEL_WIDE, 40] : [LABEL_WIDE, LABEL_HIGH]
    if (high - low < line * lines.length || wide < least) return []
    return [{x, y: (low + high) / 2, text: lines.join("\n"), align: "center", bold: true, role: "red-text", how: "computed", plate: true}]
  }
}
