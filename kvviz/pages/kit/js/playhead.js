// The context at the playhead, as a slider: moving it scrubs.
function playhead(model) {
  const row = document.createElement("label")
  row.className = "slider context"
  row.title = "a setting: where the playhead stands"
  row.innerHTML = `<span>Context<b><output></output> <small></small></b></span><input type="range" min="0" step="1" aria-label="Context">`
  const input = row.querySelector("input")
  input.oninput = () => say("command", {play: false, seek: Number(input.value)})
  // The context told is that of the numbers on the page: a long run has not a row for every token.
  const show = (when, end, told = when) => {
    input.max = end
    input.value = when
    input.style.setProperty("--share", end ? when / end : 0)
    row.querySelector("output").textContent = SPELL.count(told)
    row.querySelector("small").textContent = `of ${SPELL.count(end)}`
  }
  hear(model, "state", ({now, end}) => show(Math.round(now), end, document.kvviz?.row?.when))
  hear(model, "row", ({when}) => show(when, Number(document.kvviz?.state?.end ?? when)))
  return row
}
