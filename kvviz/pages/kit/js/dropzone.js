// A place to drop a file, or to choose one.
import {element, find} from "./element.js"

/**
 * @param {{accept: string, html: string, label?: string}} words - the files that a browser offers, and what it says
 * @param {(file: File) => Promise<void>} take
 */
export function dropzone({accept, html, label = ""}, take) {
  const name = label && ` aria-label="${label}"`
  const zone = element(`<label class="dropzone"><input type="file"${name} accept="${accept}"><span>${html}</span></label>`)
  const input = find(zone, "input")
  /** @param {FileList | null | undefined} files */
  const given = async (files) => {
    if (!files?.length) return
    await take(files[0])
    input.value = ""
  }
  input.onchange = () => given(input.files)
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over") }
  zone.ondragleave = () => zone.classList.remove("over")
  zone.ondrop = (event) => {
    event.preventDefault()
    zone.classList.remove("over")
    return given(event.dataTransfer?.files)
  }
  return zone
}

/** A place for a config.json; only as much is sent as may be read.
 * @type {(send: (bytes: ArrayBuffer) => void, limit: number) => HTMLElement} */
export const configzone = (send, limit) =>
  dropzone({accept: ".json,application/json", html: "Drop or choose a <b>config.json</b>"}, async (file) =>
    send(await file.slice(0, limit).arrayBuffer()))
