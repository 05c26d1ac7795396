// Links of the site: the theme goes along in each, and dark is what a link without one opens in.

/** An address in a theme. @type {(address: string, here: string, theme?: string) => string} */
export function themed(address, here, theme = "dark") {
  const url = new URL(address, here)
  if (theme === "dark") url.searchParams.delete("theme")
  else url.searchParams.set("theme", theme)
  return url.href
}

/**
 * The page's own address in a state: settings, and where its playhead stands.
 * @type {(here: string, query: object, place: object, theme: string) => string}
 */
export function shared(here, query, place, theme) {
  const url = new URL(here), asked = {...query, ...place}
  url.search = new URLSearchParams(/** @type {Record<string, string>} */ (asked)).toString()
  return themed(url.href, here, theme)
}
