// The plot of one register: gaps hatched with their reason, times on the site's clocks.

import uPlot from "/static/vendor/uPlot.esm.js";

const REFRESH_MS = 10000;
const figure = document.getElementById("plot");
const canvas = figure?.querySelector(".canvas");
const readout = figure?.querySelector(".readout");
const caption = figure?.querySelector("figcaption");
let plot = null;
let data = null;

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const columns = () => [data.ts, data.values];

function clock(zone, parts) {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour12: false, ...parts });
  return (seconds) => format.format(new Date(seconds * 1000));
}

function digits(value) {
  return value.toLocaleString("en-GB", { maximumFractionDigits: 3 })
    .replaceAll(",", "\u202f").replace("-", "\u2212");
}

function gapAt(seconds) {
  return data.gaps.find((gap) => seconds >= gap.from && seconds < gap.to);
}

// Hatched bands under the line: that nothing was read is seen, not guessed from a missing line.
function drawGaps(u) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.strokeStyle = token("--hatch");
  ctx.lineWidth = devicePixelRatio;
  for (const gap of data.gaps) {
    const from = Math.max(left, u.valToPos(gap.from, "x", true));
    const to = Math.min(left + width, u.valToPos(gap.to, "x", true));
    if (to <= from) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, top, to - from, height);
    ctx.clip();
    ctx.beginPath();
    for (let x = from - height; x < to; x += 8 * devicePixelRatio) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.restore();
  }
  ctx.restore();
}

function tell(u) {
  const { left, idx } = u.cursor;
  if (left == null || left < 0) {
    readout.textContent = "";
    return;
  }
  const seconds = u.posToVal(left, "x");
  const full = clock(data.zone, { dateStyle: "medium", timeStyle: "medium" });
  const gap = gapAt(seconds);
  if (gap) {
    readout.textContent = `${full(gap.from)} to ${full(gap.to)}: ${gap.reason}, ${gap.intervals} interval${gap.intervals === 1 ? "" : "s"}`;
  } else if (idx != null && data.values[idx] != null) {
    readout.textContent = `${full(data.ts[idx])}: ${digits(data.values[idx])}\u2009${data.unit}`;
  } else {
    readout.textContent = "";
  }
}

function zoom(factor) {
  const { min, max } = plot.scales.x;
  const middle = (min + max) / 2;
  const half = Math.min((max - min) / 2 * factor, (data.to - data.from) / 2);
  plot.setScale("x", { min: Math.max(data.from, middle - half), max: Math.min(data.to, middle + half) });
}

function pan(share) {
  const { min, max } = plot.scales.x;
  const step = Math.max(data.from - min, Math.min(data.to - max, (max - min) * share));
  plot.setScale("x", { min: min + step, max: max + step });
}

const KEYS = { "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), ArrowLeft: () => pan(-0.25), ArrowRight: () => pan(0.25) };

function options() {
  const short = clock(data.zone, { hour: "2-digit", minute: "2-digit" });
  const day = clock(data.zone, { day: "numeric", month: "short" });
  const axis = { stroke: token("--muted"), font: `12px ${token("--font")}`, grid: { stroke: token("--line"), width: 1 }, ticks: { stroke: token("--line") } };
  const isEnergy = data.unit.endsWith("h");
  return {
    width: canvas.clientWidth, height: canvas.clientHeight,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.zone),
    legend: { show: false },
    scales: { x: { time: true, range: (u, min, max) => [min ?? data.from, max ?? data.to] },
      // Power from zero; a counter or a voltage would be a flat line far above it.
      y: { range: (u, min, max) => min == null ? [0, 1] : uPlot.rangeNum(min, max, { min: { pad: 0.1, soft: data.unit === "W" && min >= 0 ? 0 : undefined, mode: 3 }, max: { pad: 0.1, mode: 0 } }) } },
    axes: [
      { ...axis, values: (u, splits) => splits.map((at, i) => {
        const label = short(at);
        return i === 0 || label === "00:00" ? `${label}\n${day(at)}` : label;
      }) },
      { ...axis, size: 76, label: `${data.quantity}, ${data.unit || "1"}`, labelFont: `12px ${token("--font")}`, values: (u, splits) => splits.map(digits) },
    ],
    series: [{}, { stroke: token("--series-1"), width: 1.5, spanGaps: false, paths: isEnergy ? undefined : uPlot.paths.linear(), points: { show: data.ts.length < 80 } }],
    hooks: { drawAxes: [drawGaps], setCursor: [tell] },
    cursor: { y: false },
  };
}

function show() {
  plot?.destroy();
  canvas.classList.remove("skeleton");
  canvas.replaceChildren();
  plot = new uPlot(options(), columns(), canvas);
  plot.setScale("x", { min: data.from, max: data.to });
  figure.dataset.points = String(data.values.filter((value) => value != null).length);
  figure.dataset.gaps = String(data.gaps.length);
}

async function load() {
  const zoomed = plot && (plot.scales.x.min > data.from || plot.scales.x.max < data.to);
  if (document.hidden || zoomed) return; // Nobody looks, or somebody looks closely.
  try {
    const answer = await fetch(figure.dataset.source);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    data = await answer.json();
    figure.classList.remove("stale");
    caption.textContent = data.summary;
    figure.setAttribute("aria-label", `${data.quantity}. ${data.summary}`);
    show();
  } catch (error) {
    figure.classList.add("stale");
    readout.textContent = data ? "The plot is old: the head-end does not answer. Trying again." : "The plot could not be loaded. Trying again.";
  }
}

if (figure) {
  load();
  setInterval(load, REFRESH_MS);
  figure.addEventListener("keydown", (event) => {
    if (!plot || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  addEventListener("resize", () => plot && plot.setSize({ width: canvas.clientWidth, height: canvas.clientHeight }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => data && show());
}
