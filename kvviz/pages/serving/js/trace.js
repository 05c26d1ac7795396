// A place to drop a request trace, or to choose one; it is sent piece by piece, up to a limit.
const PIECE = 512 * 1024
const HINT = "Drop or choose a <b>request trace</b>"

export function render({model}) {
  const root = document.createElement("div")
  root.innerHTML = `<label class="dropzone"><input type="file" aria-label="Request trace" accept=".csv,.json,.jsonl,.gz"><span>${HINT}</span></label>
    <div class="live problem"></div>`
  const zone = root.querySelector("label"), input = root.querySelector("input"), hint = root.querySelector("span")
  const said = root.querySelector(".problem")
  const tell = () => {
    hint.innerHTML = HINT
    said.innerHTML = model.problem ? `<p role="alert"></p>${model.partial ? "<button>Keep the good rows</button>" : ""}` : ""
    if (!model.problem) return
    said.querySelector("p").textContent = model.problem
    const button = said.querySelector("button")
    if (button) button.onclick = () => model.send_msg({keep: true})
  }
  const take = async (file) => {
    if (!file) return
    model.send_msg({name: file.name, size: file.size})
    for (let at = 0; at < Math.min(file.size, model.limit + 1); at += PIECE) {
      hint.textContent = `Reading ${SPELL.percent0(at / file.size)}`
      model.send_msg(await file.slice(at, Math.min(at + PIECE, model.limit + 1)).arrayBuffer())
    }
    hint.textContent = "Reading its rows"
    model.send_msg({end: true})
    input.value = ""
  }
  input.onchange = () => take(input.files[0])
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over") }
  zone.ondragleave = () => zone.classList.remove("over")
  zone.ondrop = (event) => { event.preventDefault(); zone.classList.remove("over"); take(event.dataTransfer.files[0]) }
  model.on(["problem", "partial", "revision"], tell)
  tell()
  return root
}
