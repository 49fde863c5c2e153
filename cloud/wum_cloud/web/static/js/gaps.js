// What is missing from a plot: hatched bands, so that a gap is seen and never guessed.

const STEP_PX = 7;

export function gapAt(gaps, seconds) {
  return gaps.find((gap) => seconds >= gap.from && seconds < gap.to);
}

// A uPlot hook: bands beneath the line, clipped to the plot.
export function drawGaps(u, gaps, colours) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  for (const gap of gaps) {
    const from = Math.max(left, u.valToPos(gap.from, "x", true));
    const to = Math.min(left + width, u.valToPos(gap.to, "x", true));
    if (to <= from) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(from, top, Math.max(to - from, devicePixelRatio), height);
    ctx.clip();
    ctx.fillStyle = colours.back;
    ctx.fillRect(from, top, to - from, height);
    ctx.strokeStyle = colours.line;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    const step = STEP_PX * devicePixelRatio;
    const first = Math.floor((from - height) / step) * step; // Stripes of all bands line up.
    for (let x = first; x < to; x += step) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.restore();
  }
}
