// One setting as a native input: slider over steps, switch, segments or a list of names.
import {fold} from "./fields/fold.js"
import {search} from "./fields/search.js"
import {segment} from "./fields/segment.js"
import {pick, select} from "./fields/select.js"
import {slider} from "./fields/slider.js"
import {toggle} from "./fields/switch.js"
/** @import {Rendered} from "./browser.d.ts" */
/** @import {Knob} from "./payloads.d.ts" */
const DRAW = {fold, pick, search, segment, select, slider, switch: toggle}

/** @type {(given: Rendered<Knob>) => HTMLElement} */
export function render({model}) {
  const box = document.createElement("div")
  const [input, show] = DRAW[model.kind](model, (value) => { model.value = value })
  const update = () => show(model)
  box.append(input)
  box.title = model.hint
  model.on(["value", "options", "note"], update)
  update()
  return box
}
