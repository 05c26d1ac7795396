// Play, pause and speed.
const SPEEDS = [[0.5, "½×"], [1, "1×"], [2, "2×"]]
const ICONS = {
  pause: '<svg width="14" height="14" aria-hidden="true"><path d="M2 1h3.4v12H2zM8.6 1H12v12H8.6z" fill="currentColor"/></svg>',
  play: '<svg width="14" height="14" aria-hidden="true"><path d="M3 1l10 6-10 6z" fill="currentColor"/></svg>',
}

function transport(model) {
  const bar = document.createElement("div")
  bar.className = "transport-bar"
  const buttons = SPEEDS.map(([speed, text]) => `<button data-speed="${speed}">${text}</button>`)
  const choices = SPEEDS.map(([speed, text]) => `<option value="${speed}">${text}</option>`)
  bar.innerHTML = `<button class="play"></button><div class="seg" role="group" aria-label="Speed">${buttons.join("")}</div>
    <select class="speed" aria-label="Speed">${choices.join("")}</select>`
  const play = bar.querySelector(".play"), speeds = bar.querySelector(".speed")
  play.onclick = () => say("command", {toggle: true})
  speeds.onchange = () => say("command", {speed: Number(speeds.value)})
  for (const button of bar.querySelectorAll("[data-speed]"))
    button.onclick = () => say("command", {speed: Number(button.dataset.speed)})
  hear(model, "state", ({playing, speed}) => {
    play.innerHTML = `${playing ? ICONS.pause : ICONS.play}<span>${playing ? "Pause" : "Play"}</span>`
    speeds.value = speed
    for (const button of bar.querySelectorAll("[data-speed]"))
      button.setAttribute("aria-pressed", Number(button.dataset.speed) === speed)
  })
  return bar
}
