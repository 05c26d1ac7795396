// The sources of a figure's glyphs.
/** @import {Columns, Figure, Source} from "./browser.d.ts" */

/** A figure's sources by name. @type {(figure: Figure) => {[name: string]: Source}} */
export const sourcesOf = (figure) => Object.fromEntries(
  figure.renderers.filter(({data_source}) => data_source).map(({data_source}) => [data_source.name, data_source]))

/** Changes a source in place, so that nothing is sent to the server.
 * @type {(source: Source, columns: Columns) => void} */
export function put(source, columns) {
  Object.assign(source.data, columns)
  source.change.emit()
}
