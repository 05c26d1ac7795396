// Starts a run; while it runs the button cancels it, and a bar shows how far it is.
const PLAY = '<svg width="13" height="14" aria-hidden="true"><path d="M1 1l11 6-11 6z" fill="currentColor"/></svg>'

export function render({model}) {
  const box = document.createElement("div")
  box.className = "live card run"
  box.innerHTML = `<button></button><div class="progress" role="progressbar" aria-label="Run" aria-valuemin="0" aria-valuemax="100"><i></i></div>
    <p class="doing" aria-live="polite"></p><p class="problem" role="alert"></p><div class="note"></div>`
  const [button, bar, doing, problem, note] = ["button", ".progress", ".doing", ".problem", ".note"].map((part) => box.querySelector(part))
  const show = () => {
    button.innerHTML = model.busy ? "Cancel" : `${PLAY} Run`
    button.classList.toggle("busy", model.busy)
    const percent = Math.floor(100 * model.share) // all only when it is
    bar.hidden = doing.hidden = !model.busy
    bar.firstChild.style.width = percent + "%"
    bar.setAttribute("aria-valuenow", percent)
    doing.textContent = model.doing
    problem.textContent = model.problem
    problem.hidden = !model.problem
    note.innerHTML = model.note
  }
  button.onclick = () => model.send_msg(model.busy ? "cancel" : "run")
  model.on(["busy", "doing", "share", "problem", "note"], show)
  show()
  return box
}
