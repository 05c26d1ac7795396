// A box for a start-up log: what is pasted or typed is sent when it rests, and never more than may be read.
const REST_MS = 500

export function render({model}) {
  const card = document.createElement("div")
  card.className = "live card paste"
  card.innerHTML = `<header><strong>Paste an engine log</strong><button type="button">Clear</button></header>
    <textarea aria-label="Engine log" spellcheck="false" rows="9" placeholder="Model loading took 14.99 GiB …"></textarea>
    <div class="read"></div><p class="problem" role="alert"></p>
    <p class="where">${model.note}</p>`
  const box = card.querySelector("textarea"), problem = card.querySelector(".problem")
  let timer
  const send = () => {
    if (!box.value.trim()) return
    if (box.value.length > model.limit) problem.textContent = `The text is longer than ${model.limit.toLocaleString("en-US")} characters, the most read here.`
    else { problem.textContent = model.problem; model.send_msg(box.value) }
  }
  box.value = model.text
  box.oninput = () => { clearTimeout(timer); timer = setTimeout(send, REST_MS) }
  card.querySelector("button").onclick = () => { box.value = ""; problem.textContent = ""; box.focus() }
  const show = () => { card.querySelector(".read").innerHTML = model.html; problem.textContent = model.problem }
  model.on(["html", "problem"], show)
  show()
  return card
}
