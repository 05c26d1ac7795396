// Copies a link to what is on the page; the address bar always shows it too.
import {hear} from "./events.js"
import {shared} from "./links.js"
/** @import {Rendered} from "./browser.d.ts" */
/** @import {Share} from "./payloads.d.ts" */
const ICON = '<svg width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" aria-hidden="true"><path d="M6.5 9.5l3-3M7 4.5l1.6-1.6a3 3 0 0 1 4.3 4.3L11.4 8.8M9 11.5l-1.6 1.6a3 3 0 0 1-4.3-4.3L4.6 7.2"/></svg>'
const SAID_MS = 1600

/** Where the playhead is, as the page's links say it. */
const place = () => {
  const now = Math.round(document.kvviz?.row?.when ?? 0)
  return document.kvviz?.place ?? (now ? {context: now} : {})
}

/** @type {(given: Rendered<Share>) => HTMLElement} */
export function render({model}) {
  const button = document.createElement("button")
  button.className = "share"
  const label = (/** @type {string} */ text) => { button.innerHTML = `${ICON}<span aria-live="polite">${text}</span>` }
  const address = () => shared(location.href, model.query, place(), model.theme)
  const show = () => history.replaceState(null, "", address())
  button.onclick = async () => {
    show()
    const copied = await Promise.resolve(navigator.clipboard?.writeText(address()).then(() => true)).catch(() => false)
    label(copied ? "Copied" : "In the address bar")
    setTimeout(() => label("Share link"), SAID_MS)
  }
  let started = false // a broken link stays in the address bar until something is changed
  model.on(["query", "theme"], show)
  hear(model, "state", ({playing}) => { if (started && !playing) show(); started = true })
  label("Share link")
  return button
}
