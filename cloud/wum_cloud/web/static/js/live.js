// Parts that ask again by themselves (htmx polls them): they say so when they grow old.
//
// A part carries data-live: the seconds between its questions. Three unanswered ones are silence.

const banner = document.getElementById("connection");
const heardAt = new Map();
let failed = false;

function silence(part) {
  const limitMs = Math.max(15000, 3000 * Number(part.dataset.live));
  if (!heardAt.has(part)) heardAt.set(part, Date.now());
  return Date.now() - heardAt.get(part) > limitMs;
}

function watch() {
  const parts = [...document.querySelectorAll("[data-live]")];
  const silent = parts.filter((part) => failed || !navigator.onLine || silence(part));
  for (const part of parts) part.classList.toggle("stale", silent.includes(part));
  const words = !navigator.onLine ? banner.dataset.offline : failed ? banner.dataset.failed : banner.dataset.silent;
  if (silent.length && banner.textContent !== words) banner.textContent = words;
  banner.hidden = !silent.length;
}

// A background question does not keep a session alive: idle means that nobody does anything.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.matches("[data-live]")) event.detail.headers["X-Live"] = "1";
});
document.addEventListener("htmx:afterRequest", (event) => {
  const part = event.detail.elt;
  if (!part.matches("[data-live]")) return;
  failed = !event.detail.successful && event.detail.xhr.status >= 500;
  if (event.detail.successful) heardAt.set(part, Date.now());
  watch();
});
// What did not answer at all (network gone, server away) is known at once.
document.addEventListener("htmx:sendError", (event) => {
  if (event.detail.elt.matches("[data-live]")) heardAt.set(event.detail.elt, 0);
  watch();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  heardAt.clear(); // A page in the background asked nothing: it gets the time to ask.
  for (const part of document.querySelectorAll("[data-live]")) window.htmx?.trigger(part, "wake");
});
addEventListener("offline", watch);
addEventListener("online", watch);
setInterval(watch, 1000);
