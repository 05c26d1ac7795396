// Between the pages of the site: the theme goes along in the link, and a phone has a select for tabs.
const themed = (address) => {
  const url = new URL(address, location.href), {theme} = document.documentElement.dataset
  if (theme === "dark") url.searchParams.delete("theme") // as a link without one opens
  else url.searchParams.set("theme", theme)
  return url.href
}

// Before a link is followed, opened beside or copied: by mouse, touch or key, in a component or not.
for (const kind of ["pointerdown", "focusin", "click"])
  addEventListener(kind, (event) => {
    const link = event.composedPath().find((element) => element.tagName === "A")
    if (link?.protocol === location.protocol && link.host === location.host && !link.hasAttribute("download")) link.href = themed(link.href)
  }, true)

const tabs = () => document.querySelector(".tabs select")
addEventListener("change", ({target}) => { if (target === tabs()) location.assign(themed(target.value)) })
addEventListener("pageshow", () => { // back again, where a browser may keep what was chosen on leaving
  if (tabs()) for (const option of tabs().options) option.selected = option.defaultSelected
})
