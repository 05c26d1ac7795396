// One player a page speaks; cards and controls listen. Its last row and state are kept for late comers.
/** @import {Model, Told} from "./browser.d.ts" */

/** @type {<Name extends keyof Told>(name: Name, detail: Told[Name]) => void} */
export function say(name, detail) {
  if (name !== "command") document.kvviz = {...document.kvviz, [name]: detail}
  document.dispatchEvent(new CustomEvent("kvviz:" + name, {detail}))
}

/** @type {<Name extends keyof Told>(model: Model<{}>, name: Name, react: (told: Told[Name]) => void) => void} */
export function hear(model, name, react) {
  /** @param {any} event */
  const listener = (event) => react(event.detail)
  document.addEventListener("kvviz:" + name, listener)
  model.on("remove", () => document.removeEventListener("kvviz:" + name, listener))
  const last = document.kvviz?.[name]
  if (last) react(/** @type {Told[typeof name]} */ (last))
}
