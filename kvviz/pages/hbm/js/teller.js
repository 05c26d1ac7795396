// Tells the page's numbers: at once while the run stands still, ten times a second while it plays,
// for nobody reads faster; and counts up to new ones for a moment after a change.
const TELL_MS = 100, COUNT_MS = 300

class Teller {
  // `write` is what else is told with the row.
  row(numbers, now, write) {
    document.kvviz = {...document.kvviz, row: numbers}
    const time = performance.now()
    if (this.counting || (!now && time - (this.told ?? 0) < TELL_MS)) return
    this.told = time
    write()
    say("row", numbers)
  }

  // From the numbers before a change to those after it, which are always the last ones told.
  count(from, to) {
    const start = performance.now()
    this.counting = start
    document.kvviz = {...document.kvviz, counting: true}
    const step = () => {
      if (this.counting !== start) return
      const share = (performance.now() - start) / COUNT_MS, numbers = to()
      if (share < 1) requestAnimationFrame(step)
      else {
        this.counting = undefined
        document.kvviz = {...document.kvviz, counting: false}
      }
      document.dispatchEvent(new CustomEvent("kvviz:row", {detail: share < 1 ? between(from, numbers, 1 - (1 - share) ** 3) : numbers}))
    }
    requestAnimationFrame(step)
  }
}

// What is nothing or something before or after, is what it is after: only amounts are counted.
const between = (from, to, share) =>
  Object.fromEntries(Object.entries(to).map(([name, value]) => [name, name !== "when" && value > 0 && from[name] > 0 ? from[name] + (value - from[name]) * share : value]))
