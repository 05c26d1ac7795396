// Dark or light: the page's colours are CSS properties, so the switch is one attribute.
import {hear} from "./events.js"
/** @import {Rendered} from "./browser.d.ts" */
/** @import {ThemeSwitch} from "./payloads.d.ts" */
const ICONS = {
  dark: '<path d="M8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.1 1.1M11.9 11.9L13 13M3 13l1.1-1.1M11.9 4.1L13 3"/><circle cx="8" cy="8" r="3"/>',
  light: '<path d="M13 9.6A5.6 5.6 0 0 1 6.4 3 5.6 5.6 0 1 0 13 9.6z"/>',
}

/** @type {(given: Rendered<ThemeSwitch>) => HTMLElement} */
export function render({model}) {
  const button = document.createElement("button")
  button.className = "icon"
  const show = () => {
    document.documentElement.dataset.theme = model.theme
    button.setAttribute("aria-label", model.theme === "dark" ? "Light theme" : "Dark theme")
    button.innerHTML = `<svg width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round">${ICONS[model.theme]}</svg>`
  }
  const flip = () => { model.theme = model.theme === "dark" ? "light" : "dark" }
  button.onclick = flip
  hear(model, "command", ({theme}) => { if (theme) flip() })
  model.on("theme", show)
  show()
  return button
}
