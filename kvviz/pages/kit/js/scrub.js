// Moves the playhead with the pointer.

/**
 * Lets a drag over `root` seek: `seek` takes a share of the plot between its margins.
 * @param {HTMLElement} root @param {HTMLElement} plot
 * @param {() => {left: number, right: number}} margins - px beside the plot's frame
 * @param {(share: number) => void} seek
 */
export function scrub(root, plot, margins, seek) {
  const to = (/** @type {PointerEvent} */ event) => {
    const box = plot.getBoundingClientRect(), {left, right} = margins()
    seek((event.clientX - box.left - left) / (box.width - left - right))
  }
  root.addEventListener("pointerdown", (event) => {
    root.setPointerCapture(event.pointerId)
    to(event)
  })
  root.addEventListener("pointermove", (event) => { if (event.buttons) to(event) })
}
