// Elements: one made of HTML, and those within another.

/** @type {(html: string) => HTMLElement} */
export function element(html) {
  const holder = document.createElement("template")
  holder.innerHTML = html.trim()
  return /** @type {HTMLElement} */ (holder.content.firstElementChild)
}

/**
 * The first element within `root` that a selector names; there is one.
 * @type {{
 *   <Tag extends keyof HTMLElementTagNameMap>(root: ParentNode, selector: Tag): HTMLElementTagNameMap[Tag]
 *   (root: ParentNode, selector: string): HTMLElement
 * }}
 */
export const find = (/** @type {ParentNode} */ root, /** @type {string} */ selector) =>
  /** @type {any} */ (root.querySelector(selector))

/** All that a selector names. @type {(root: ParentNode, selector: string) => NodeListOf<HTMLElement>} */
export const every = (root, selector) => root.querySelectorAll(selector)
