// The plot of a meter's page: loads columns, draws them with uPlot, reads out what is pointed at.
//
// The words, units and sentences come from the server; gaps.js draws what is missing, and
// options.js says how it all looks.

import { options } from "./options.js";
import { gapAt } from "./gaps.js";
import { digits, fullTime } from "./writing.js";

const figure = document.getElementById("plot");
const canvas = figure?.querySelector(".canvas");
const readout = figure?.querySelector(".readout");
let plot = null;
let data = null;
let tag = null;

function legend(number) {
  const svg = `<svg aria-hidden="true" viewBox="0 0 16 8"><line class="series-${number}" x1="0" y1="4" x2="16" y2="4"/></svg>`;
  const mark = document.createElement("span");
  mark.className = "legend";
  mark.innerHTML = svg; // Our own marks only; words are added as text.
  return mark;
}

function say(parts) {
  readout.replaceChildren(...parts);
}

function reading(place) {
  return data.series.filter((s) => s.values[place] != null || data.series.length > 1).map((series, n) => {
    const mark = legend(n + 1);
    const value = document.createElement("b");
    value.textContent = series.values[place] == null ? "–" : `${digits(series.values[place], data.places, data.places)}\u00a0${data.unit}`;
    mark.append(data.series.length > 1 ? `${series.name} ` : "", value);
    return mark;
  });
}

function moment(text) {
  const span = document.createElement("span");
  span.className = "muted";
  span.textContent = text;
  return span;
}

// Beside the plot stands what is pointed at; without a pointer, the legend and the newest reading.
function tell(u) {
  const at = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null;
  const gap = at == null ? null : gapAt(data.gaps, at);
  if (gap) {
    const box = document.createElement("span");
    box.className = "legend";
    box.innerHTML = '<svg aria-hidden="true" viewBox="0 0 16 8"><rect class="missing" x="0.5" y="0.5" width="15" height="7"/></svg>';
    const words = document.createElement("b");
    words.textContent = gap.text;
    box.append(words);
    say([moment(`${fullTime(gap.from, data.zone)} – ${fullTime(gap.to, data.zone)}`), box]);
    return;
  }
  let place = at == null ? -1 : u.cursor.idx ?? -1;
  if (at == null) place = data.ts.findLastIndex((_, n) => data.series.some((s) => s.values[n] != null));
  if (place < 0 || place >= data.ts.length) return say([]);
  const until = data.until ? ` – ${fullTime(data.until[place], data.zone).slice(-8)}` : "";
  say([moment(fullTime(data.ts[place], data.zone) + until), ...reading(place)]);
}

function show() {
  const zoomed = plot && [plot.scales.x.min, plot.scales.x.max];
  plot?.destroy();
  canvas.replaceChildren();
  plot = new uPlot(options(data, canvas, tell), [data.ts, ...data.series.map((s) => s.values)], canvas);
  figure.querySelector("figcaption").textContent = data.summary;
  figure.setAttribute("aria-label", `${data.name}. ${data.summary}`);
  figure.dataset.points = String(data.series.reduce((sum, s) => sum + s.values.filter((v) => v != null).length, 0));
  figure.dataset.gaps = String(data.gaps.length);
  if (zoomed && isZoomed(zoomed)) plot.setScale("x", { min: zoomed[0], max: zoomed[1] });
  tell(plot);
}

let drawn = null; // The span that was drawn whole; anything narrower is a zoom.
function isZoomed([min, max]) {
  return drawn && (max - min) < (drawn[1] - drawn[0]) * 0.999;
}

async function load() {
  if (document.hidden || (plot && isZoomed([plot.scales.x.min, plot.scales.x.max]))) return;
  try {
    const headers = { "X-Live": "1", ...(tag ? { "If-None-Match": tag } : {}) };
    const answer = await fetch(figure.dataset.source, { headers, cache: "no-store" });
    if (answer.status === 304) return;
    if (!answer.ok) throw new Error(String(answer.status));
    data = await answer.json();
    tag = answer.headers.get("etag");
    figure.classList.remove("stale");
    show();
    drawn = [data.from, data.to];
  } catch (error) {
    figure.classList.add("stale");
    const why = /^\d+$/.test(error.message) ? error.message : figure.dataset.noAnswer;
    say([moment((data ? figure.dataset.old : figure.dataset.failed).replace("%s", why))]);
  }
}

function zoom(factor, share = 0) {
  const { min, max } = plot.scales.x;
  const half = Math.min((max - min) / 2 * factor, (data.to - data.from) / 2);
  const middle = (min + max) / 2 + share * (max - min);
  const start = Math.max(data.from, Math.min(middle - half, data.to - 2 * half));
  plot.setScale("x", { min: start, max: start + 2 * half });
}

const KEYS = {
  "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "0": () => zoom(1e9),
  ArrowLeft: () => zoom(1, -0.25), ArrowRight: () => zoom(1, 0.25),
};

if (figure) {
  load();
  const refreshS = Number(figure.dataset.refresh);
  setInterval(load, 1000 * (refreshS || 3600));
  figure.addEventListener("keydown", (event) => {
    if (!plot || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  new ResizeObserver(() => plot?.setSize({ width: canvas.clientWidth, height: canvas.clientHeight })).observe(canvas);
  document.addEventListener("theme", () => data && show());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => data && show());
}
