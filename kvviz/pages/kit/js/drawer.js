// A button that opens the explanations in a panel at the right; Esc, the cross or a click beside it closes.
import {every, find} from "./element.js"
import {hear} from "./events.js"
import {fill} from "./live.js"
/** @import {Rendered, Row} from "./browser.d.ts" */
/** @import {Drawer} from "./payloads.d.ts" */
const ASK = '<svg width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" aria-hidden="true"><circle cx="8" cy="8" r="6.6"/><path d="M6 6.3a2 2 0 1 1 2.6 1.9c-.4.2-.6.5-.6 1V9.4M8 11.6v.1"/></svg>'
const CROSS = '<svg width="16" height="16" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" aria-hidden="true"><path d="M3.5 3.5l9 9M12.5 3.5l-9 9"/></svg>'

/** @type {(given: Rendered<Drawer>) => HTMLElement} */
export function render({model}) {
  const root = document.createElement("div")
  root.innerHTML = `<button class="ask" aria-haspopup="dialog" aria-label="${model.label}">${ASK}<span>${model.label}</span></button>
    <dialog aria-labelledby="heading"><div class="sheet">
      <header><h1 id="heading">${model.label}</h1><button class="icon" aria-label="Close">${CROSS}</button></header>
      <div class="texts" tabindex="0" role="region" aria-labelledby="heading"></div></div></dialog>`
  const [ask, close] = every(root, "button")
  const dialog = find(root, "dialog"), texts = find(root, ".texts")
  const update = (/** @type {Row | undefined} */ row) => { if (dialog.open) fill(texts, row) }
  const open = () => { dialog.showModal(); update(document.kvviz?.row) }
  const show = () => {
    const waiting = !texts.innerHTML && model.html
    texts.innerHTML = model.html
    update(document.kvviz?.row)
    if (waiting) open()
  }
  ask.onclick = () => (model.html ? open() : model.send_msg("open"))
  close.onclick = () => dialog.close()
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close() } // the sheet covers all else
  dialog.onkeydown = (event) => event.stopPropagation() // keys scroll here; they do not move the playhead
  dialog.onclose = () => ask.focus()
  model.on("html", show)
  hear(model, "row", update)
  return root
}
