// Cells of a raster fill in bands from the bottom, column by column.
import assert from "node:assert/strict"
import {test} from "node:test"
import {numberAt, placeOf} from "../../kvviz/pages/hbm/js/raster.js"

const BAND = 8

for (const [columns, rows] of [[102, 80], [7, 13], [1, 4], [40, 5]]) {
  const grid = {columns, rows, band: BAND}

  test(`a raster of ${columns} by ${rows} cells fills in bands of columns from the bottom`, () => {
    const expected = []
    for (let bottom = 0; bottom < rows; bottom += BAND)
      for (let column = 0; column < columns; column++)
        for (let row = bottom; row < Math.min(bottom + BAND, rows); row++) expected.push([column, row])
    const places = expected.map((_, n) => placeOf(n, grid))
    assert.deepEqual(places, expected)
    assert.deepEqual(places.map(([column, row]) => numberAt(column, row, grid)), [...places.keys()])
  })
}
