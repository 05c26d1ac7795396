// What stays in reach where there is no column of controls: play, speed, and on a phone the context.
export function render({model}) {
  const bar = transport(model)
  bar.querySelector(".play").after(playhead(model))
  return bar
}
