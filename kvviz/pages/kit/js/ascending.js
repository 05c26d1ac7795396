// Looks values up that ascend.

/** How many of ascending values are not after `value`.
 * @type {(values: ArrayLike<number>, value: number) => number} */
export function upTo(values, value) {
  let low = 0, high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle] <= value) low = middle + 1
    else high = middle
  }
  return low
}
