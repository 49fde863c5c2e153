// How a plot looks: scales, axes and series for uPlot, in the tokens' colours.

import { drawGaps } from "./gaps.js";
import { digits, inZone } from "./writing.js";

const probe = document.createElement("i");
document.body.append(probe);
probe.hidden = true;

// The colour that a token means now; a canvas cannot resolve light-dark() by itself.
function colour(token) {
  probe.style.color = `var(${token})`;
  return getComputedStyle(probe).color;
}

function timeLabels(zone) {
  return (u, splits, axis, space, stepSeconds) => {
    const parts = { hour: "2-digit", minute: "2-digit" };
    if (stepSeconds < 60) parts.second = "2-digit"; // Or two neighbours would read the same.
    let before = "";
    return splits.map((at) => {
      const clock = inZone(at, zone, parts);
      const day = inZone(at, zone, { day: "numeric", month: "short" });
      const label = day === before ? clock : clock === "00:00" && before ? day : `${clock}\n${day}`;
      before = day;
      return label;
    });
  };
}

// Energy and power stand on zero; a voltage or a counter would be a flat line far above it.
function valueRange(data) {
  const onZero = data.bars || /^(k?(W|VA|var|A)|L\/h|m³\/h)$/.test(data.unit);
  const limits = data.limits.map((limit) => limit.at);
  return (u, min, max) => {
    if (min == null) return [0, 1];
    const low = Math.min(min, ...limits);
    const high = Math.max(max, ...limits);
    const pad = (high - low) * 0.08 || Math.abs(high) * 0.05 || 1;
    if (onZero && low >= 0) return [0, high + (high * 0.08 || 1)];
    if (onZero && high <= 0) return [low * 1.08, 0];
    return [low - pad, high + pad];
  };
}

// As wide as the longest label, so that none is cut; uPlot asks again whenever the labels change.
function labelsWidth(u, labels) {
  const { ctx } = u;
  ctx.save();
  ctx.font = `${12 * devicePixelRatio}px Inter, sans-serif`;
  const longest = Math.max(0, ...(labels ?? []).map((label) => ctx.measureText(label).width)) / devicePixelRatio;
  ctx.restore();
  return Math.max(48, Math.ceil(longest) + 14);
}

function drawLimits(u, limits, ink, halo) {
  const { ctx } = u;
  const { left, width } = u.bbox;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = ink;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.font = `${11 * devicePixelRatio}px Inter, sans-serif`;
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  for (const limit of limits) {
    const y = Math.round(u.valToPos(limit.at, "y", true)) + 0.5;
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    const words = [`${digits(limit.at)} (${limit.label})`, left + width - 6 * devicePixelRatio, y - 3 * devicePixelRatio];
    ctx.save();
    ctx.setLineDash([]);
    ctx.strokeStyle = halo;
    ctx.lineWidth = 4 * devicePixelRatio;
    ctx.lineJoin = "round";
    ctx.strokeText(...words);
    ctx.fillText(...words);
    ctx.restore();
  }
  ctx.restore();
}

function series(data) {
  return data.series.map((one, n) => {
    const stroke = colour(`--series-${n + 1}`);
    if (data.bars) {
      return { label: one.name, stroke, fill: colour("--fill"), width: 1.5, paths: uPlot.paths.bars({ size: [0.86, 72], align: 1, radius: [0.12, 0] }), points: { show: false } };
    }
    return {
      label: one.name, stroke, width: 1.5, spanGaps: false, points: { show: data.ts.length < 60, size: 4 },
      fill: data.series.length === 1 && /^(k?(W|VA|var)|L\/h|m³\/h)$/.test(data.unit) ? colour("--fill") : undefined,
    };
  });
}

export function options(data, canvas, tell) {
  const ink = colour("--muted");
  const axis = { stroke: ink, font: "12px Inter, sans-serif", ticks: { stroke: colour("--line"), size: 4 } };
  const gaps = { back: colour("--hatch-bg"), line: colour("--hatch") };
  return {
    width: canvas.clientWidth,
    height: canvas.clientHeight,
    padding: [10, 18, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), data.zone),
    legend: { show: false },
    cursor: {
      y: false, focus: { prox: 30 }, drag: { x: true, y: false, dist: 6 },
      points: { size: 7, fill: (u, n) => u.series[n]._stroke, stroke: colour("--card"), width: 2 },
    },
    scales: { x: { time: true, range: (u, min, max) => (drawnWhole(data, min, max) ? [data.from, data.to] : [min, max]) }, y: { range: valueRange(data) } },
    axes: [
      { ...axis, size: 44, grid: { show: false }, space: 64, values: timeLabels(data.zone) },
      { ...axis, size: labelsWidth, grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false }, space: 44, values: (u, splits) => splits.map((at, n) => digits(at) + (n === splits.length - 1 ? `\u202f${data.unit}` : "")) },
    ],
    series: [{}, ...series(data)],
    hooks: {
      drawClear: [(u) => drawGaps(u, data.gaps, gaps)],
      draw: [(u) => drawLimits(u, data.limits, ink, colour("--card"))],
      setCursor: [tell],
    },
  };
}

// uPlot asks with the data's own ends when nothing is zoomed: the span is drawn whole then.
function drawnWhole(data, min, max) {
  const first = data.ts[0];
  const last = data.ts[data.ts.length - 1];
  return min == null || data.ts.length === 0 || (min === first && max === last) || min === max;
}
