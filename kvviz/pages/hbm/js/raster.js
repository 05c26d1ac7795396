// Cells of a raster: in bands from the bottom, inside a band column by column, upwards.
/** @typedef {{columns: number, rows: number, band: number}} Grid */

/** Column and row of the n-th cell. @type {(n: number, grid: Grid) => [number, number]} */
export function placeOf(n, {columns, rows, band}) {
  const base = Math.min(Math.floor(n / (band * columns)) * band, rows), high = Math.min(band, rows - base), inside = n - base * columns
  return [Math.floor(inside / high), base + (inside % high)]
}

/** Which cell lies in a column and row. @type {(column: number, row: number, grid: Grid) => number} */
export function numberAt(column, row, {columns, rows, band}) {
  const base = Math.floor(row / band) * band, high = Math.min(band, rows - base)
  return base * columns + column * high + (row - base)
}

/** The outline of the cells below fill position `n`, in cells from the lower left: a stair of bands.
 * @type {(n: number, grid: Grid) => [number, number][]} */
function skyline(n, {columns, rows, band}) {
  const base = Math.min(Math.floor(n / (band * columns)) * band, rows)
  const high = Math.min(band, rows - base)
  const inBand = high > 0 ? n - base * columns : 0
  const column = high > 0 ? Math.floor(inBand / high) : 0
  const top = base + (high > 0 ? inBand - column * high : 0)
  /** @type {[number, number][]} */
  const stair = [[0, base + high], [column, base + high], [column, top], [column + 1, top], [column + 1, base], [columns, base]]
  const points = stair.map(([x, y]) => /** @type {[number, number]} */ ([Math.min(x, columns), y]))
  return points[1][0] === 0 ? points.slice(2) : points // whose first column is empty starts at its band's floor
}

/** The polygon around the cells from fill position `a` to `b`, in cells from the lower left.
 * @type {(a: number, b: number, grid: Grid) => [number, number][]} */
export const outline = (a, b, grid) => [...skyline(b, grid), ...skyline(a, grid).reverse()]
