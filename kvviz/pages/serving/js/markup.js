// The elements of the page's centre.
import {speeds} from "../../kit/js/transport.js"
/** @import {Name} from "./told.d.ts" */

/** @type {(run: Name) => string} */
const badge = (run) => `<i class="badge ${run}">${run.toUpperCase()}</i>`
const RIBBON = `<i class="ribbon" aria-hidden="true">${"<i></i>".repeat(8)}</i>`

/** @type {(run: Name) => string} */
const pool = (run) => `<div class="pool" data-run="${run}"><header>${badge(run)}<span class="title"></span></header>
  <div class="counts live"><span><b data-live="${run}_running" data-unit="count" title="simulated"></b> running</span>
    <span><b data-live="${run}_waiting" data-unit="count" title="simulated"></b> waiting</span>
    <span><b data-live="${run}_ended" data-unit="count" title="simulated"></b> finished <small></small></span></div>
  <div class="cells" role="img"></div><div class="legend live"></div></div>`

export const STAGE = `<div class="stage serving"><div class="headline"><div class="says live"></div><output class="clock"><b></b> s</output>
    <button class="play"></button><div class="seg speed" role="group" aria-label="Speed">
    ${speeds}</div></div>
  <section class="card pools">${pool("a")}${pool("b")}</section>
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
      <div class="handle" role="slider" tabindex="0" aria-label="Playhead, seconds" aria-valuemin="0"><i></i></div></div></section></div>`
