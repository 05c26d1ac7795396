// The elements of the page's centre.
const SPEEDS = [[0.5, "½×"], [1, "1×"], [2, "2×"]]
const ICONS = {
  pause: '<svg width="14" height="14" aria-hidden="true"><path d="M2 1h3.4v12H2zM8.6 1H12v12H8.6z" fill="currentColor"/></svg>',
  play: '<svg width="14" height="14" aria-hidden="true"><path d="M3 1l10 6-10 6z" fill="currentColor"/></svg>',
}
const badge = (run) => `<i class="badge ${run}">${run.toUpperCase()}</i>`
const RIBBON = `<i class="ribbon" aria-hidden="true">${"<i></i>".repeat(8)}</i>`

const POOL = (run) => `<div class="pool" data-run="${run}"><header>${badge(run)}<span class="title"></span></header>
  <div class="counts live"><span><b data-live="${run}_running" data-unit="count" title="simulated"></b> running</span>
    <span><b data-live="${run}_waiting" data-unit="count" title="simulated"></b> waiting</span>
    <span><b data-live="${run}_ended" data-unit="count" title="simulated"></b> finished <small></small></span></div>
  <div class="cells" role="img"></div><div class="legend live"></div></div>`

const STAGE = `<div class="headline"><div class="says live"></div><output class="clock"><b></b> s</output>
    <button class="play"></button><div class="seg speed" role="group" aria-label="Speed">
    ${SPEEDS.map(([speed, text]) => `<button data-speed="${speed}">${text}</button>`).join("")}</div></div>
  <section class="card pools">${POOL("a")}${POOL("b")}</section>
  <section class="card requests"><header><h2></h2>
    <p class="key" aria-hidden="true"><span><i class="key-line"></i>waiting</span><span><i class="key-bar"></i>prefill</span>
      <span>${RIBBON}decode</span><span><i class="chip hatch"></i>preempted</span></p>
    <small class="step" title="simulated"></small>
    <div class="seg which" role="group" aria-label="Policy shown"><button data-run="a">A</button><button data-run="b">B</button></div></header>
    <div class="frame"><div class="strip-of-lanes"><div class="lanes" aria-hidden="true"></div></div><div class="window" role="img"><div class="plot"></div></div>
      <div class="strip-of-times" aria-hidden="true"><div class="times"></div><span>s</span></div><div class="veil"></div><div class="now"><output></output></div></div></section>
  <section class="card over"><header><h2></h2>
    <p class="key" aria-hidden="true"><span>${RIBBON}in use</span><span><i class="chip dotted"></i>cached, free</span><span><i class="chip reserved"></i>not used</span>
      <span><i class="key-line solid"></i>queue A</span><span><i class="key-line dashed"></i>queue B</span></p></header>
    <div class="frame"><div class="plot" role="img"></div><div class="veil"></div><div class="bracket"></div>
      <div class="handle" role="slider" tabindex="0" aria-label="Playhead, seconds" aria-valuemin="0"><i></i></div></div></section>`
