// Whether a key is not the player's: it is the browser's own, an input's, or presses what has the
// focus. A slider has its arrows alone.
const keyOfOthers = ({key, ctrlKey, metaKey, altKey}, {tagName, type}) =>
  ctrlKey || metaKey || altKey ||
  (type === "range" ? key.startsWith("Arrow") : ["INPUT", "SELECT", "TEXTAREA"].includes(tagName)) ||
  (key === " " && ["BUTTON", "SUMMARY"].includes(tagName))
