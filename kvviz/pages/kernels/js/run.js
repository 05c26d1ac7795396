// Starts a run; while it runs the button cancels it, and a bar shows how far it is.
import {element, find} from "../../kit/js/element.js"
/** @import {Rendered} from "../../kit/js/browser.d.ts" */
/** @import {RunButton} from "./payloads.d.ts" */
const PLAY = '<svg width="13" height="14" aria-hidden="true"><path d="M1 1l11 6-11 6z" fill="currentColor"/></svg>'

/** @type {(given: Rendered<RunButton>) => HTMLElement} */
export function render({model}) {
  const box = element(`<div class="live card run"><button></button>
    <div class="progress" role="progressbar" aria-label="Run" aria-valuemin="0" aria-valuemax="100"><i></i></div>
    <p class="doing" aria-live="polite"></p><p class="problem" role="alert"></p><div class="note"></div></div>`)
  const button = find(box, "button"), bar = find(box, ".progress"), doing = find(box, ".doing"), problem = find(box, ".problem")
  const show = () => {
    button.innerHTML = model.busy ? "Cancel" : `${PLAY} Run`
    button.classList.toggle("busy", model.busy)
    const percent = Math.floor(100 * model.share) // all only when it is
    bar.hidden = doing.hidden = !model.busy
    find(bar, "i").style.width = percent + "%"
    bar.setAttribute("aria-valuenow", String(percent))
    doing.textContent = model.doing
    problem.textContent = model.problem
    problem.hidden = !model.problem
    find(box, ".note").innerHTML = model.note
  }
  button.onclick = () => model.send_msg(model.busy ? "cancel" : "run")
  model.on(["busy", "doing", "share", "problem", "note"], show)
  show()
  return box
}
