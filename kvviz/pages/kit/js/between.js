// Between the pages of the site: the theme goes along in the link, and a phone has a select for tabs.
import {themed} from "./links.js"

/** @type {(address: string) => string} */
const along = (address) => themed(address, location.href, document.documentElement.dataset.theme)

// Before a link is followed, opened beside or copied: by mouse, touch or key, in a component or not.
for (const kind of ["pointerdown", "focusin", "click"])
  addEventListener(kind, (event) => {
    const link = event.composedPath().find((element) => element instanceof HTMLAnchorElement)
    if (link?.protocol === location.protocol && link.host === location.host && !link.hasAttribute("download")) link.href = along(link.href)
  }, true)

/** @type {() => HTMLSelectElement | null} */
const tabs = () => document.querySelector(".tabs select")
addEventListener("change", ({target}) => {
  const list = tabs()
  if (list && target === list) location.assign(along(list.value))
})
addEventListener("pageshow", () => { // back again, where a browser may keep what was chosen on leaving
  for (const option of tabs()?.options ?? []) option.selected = option.defaultSelected
})
