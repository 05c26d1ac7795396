// A place to drop a request trace, or to choose one; it is sent piece by piece, up to a limit.
import {dropzone} from "../../kit/js/dropzone.js"
import {element, find} from "../../kit/js/element.js"
import {SPELL} from "../../kit/js/numbers.js"
/** @import {Model, Rendered} from "../../kit/js/browser.d.ts" */
/** @import {TraceUpload} from "./payloads.d.ts" */
const PIECE = 512 * 1024
const WORDS = {accept: ".csv,.json,.jsonl,.gz", html: "Drop or choose a <b>request trace</b>", label: "Request trace"}

/** @type {(given: Rendered<TraceUpload>) => HTMLElement} */
export function render({model}) {
  const root = document.createElement("div"), problem = element('<div class="live problem"></div>')
  const zone = dropzone(WORDS, (file) => send(model, file, hint)), hint = find(zone, "span")
  root.append(zone, problem)
  const tell = () => {
    hint.innerHTML = WORDS.html
    problem.innerHTML = model.problem ? `<p role="alert"></p>${model.partial ? "<button>Keep the good rows</button>" : ""}` : ""
    if (!model.problem) return
    find(problem, "p").textContent = model.problem
    const button = problem.querySelector("button")
    if (button) button.onclick = () => model.send_msg({keep: true})
  }
  model.on(["problem", "partial", "revision"], tell)
  tell()
  return root
}

/** @type {(model: Model<TraceUpload>, file: File, hint: HTMLElement) => Promise<void>} */
async function send(model, file, hint) {
  const most = model.limit + 1 // so that it is seen to be too much
  model.send_msg({name: file.name, size: file.size})
  for (let at = 0; at < Math.min(file.size, most); at += PIECE) {
    hint.textContent = `Reading ${SPELL.percent0(at / file.size)}`
    model.send_msg(await file.slice(at, Math.min(at + PIECE, most)).arrayBuffer())
  }
  hint.textContent = "Reading requests"
  model.send_msg({end: true})
}
