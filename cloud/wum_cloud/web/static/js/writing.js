// How the plot writes numbers and times: as the server does, on the site's clocks.

const formats = new Map();

// What a moment (UTC seconds) is on the clocks of a zone, by the parts that are asked for.
export function inZone(seconds, zone, parts) {
  const key = zone + JSON.stringify(parts);
  if (!formats.has(key)) {
    formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...parts }));
  }
  return formats.get(key).format(new Date(seconds * 1000));
}

export function fullTime(seconds, zone) {
  const day = inZone(seconds, zone, { day: "numeric", month: "short" });
  return `${day} ${inZone(seconds, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" })}`;
}

export function digits(value, most = 3, least = 0) {
  return value.toLocaleString("en-GB", { maximumFractionDigits: most, minimumFractionDigits: least })
    .replaceAll(",", "\u202f").replace("-", "\u2212");
}
