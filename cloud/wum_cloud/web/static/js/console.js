// What every page does: "/" finds a meter, and old data says that it is old.

const SILENCE_MS = 15000; // Live parts ask every 5 s; three silences are a lost connection.
const banner = document.getElementById("connection");
let heard = Date.now();

function watch() {
  const lost = Date.now() - heard > SILENCE_MS || !navigator.onLine;
  const live = document.querySelectorAll("[data-live]");
  banner.hidden = !(lost && live.length);
  for (const part of live) part.classList.toggle("stale", lost);
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) heard = Date.now();
  watch();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) heard = Date.now(); // A sleeping page asked nothing.
});
addEventListener("offline", watch);
addEventListener("online", watch);
setInterval(watch, 1000);

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea, [contenteditable]");
  const search = document.getElementById("search");
  if (event.key !== "/" || typing || !search || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  search.focus();
  search.select();
});
