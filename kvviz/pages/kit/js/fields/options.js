// The options of a list.
/** @import {Option, Value} from "../payloads.d.ts" */
/** What each list offers. @type {WeakMap<HTMLSelectElement, string>} */
const offered = new WeakMap()

/** Brings a list up to date; its options stay while they are the same.
 * @type {(list: HTMLSelectElement, options: Option[], value: Value) => void} */
export function offer(list, options, value) {
  const key = JSON.stringify(options)
  if (offered.get(list) !== key) list.replaceChildren(...options.map(([each, text]) => new Option(text, String(each))))
  offered.set(list, key)
  list.value = String(value)
}
