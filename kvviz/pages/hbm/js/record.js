// The record of a run as it came: changes of pages in their order, and totals, a row a context.
class Run {
  constructor({when, page, pages, owner, state, totals, columns, constants}) {
    Object.assign(this, {when, page, pages, owner, state, constants})
    this.rows = totals.length / columns.length
    const column = (i) => new Float64Array(totals.buffer, totals.byteOffset + 8 * i * this.rows, this.rows)
    this.totals = Object.fromEntries(columns.map((name, i) => [name, column(i)]))
    this.end = this.at("when", this.rows - 1)
  }

  at(name, row) { return name in this.totals ? this.totals[name][row] : this.constants[name] }

  // All numbers of a row.
  numbers(row) {
    const found = {...this.constants}
    for (const name in this.totals) found[name] = this.totals[name][row]
    return found
  }

  // The last row not after a context.
  rowAt(when) {
    const contexts = this.totals.when
    let low = 0, high = this.rows - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (contexts[middle] <= when) low = middle
      else high = middle - 1
    }
    return low
  }
}
