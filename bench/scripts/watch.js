// Notes when the playhead's row first changes, in ms since the page was asked for.
(() => {
  let first
  const look = () => {
    const row = document.kvviz?.row
    first ??= row
    if (row && row !== first) window.benchAnimated = performance.now()
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
})()
