// What every page does: "/" finds a meter, ages grow, menus close, the theme changes.

function age(seconds) {
  // As wum_cloud.web.writing.length writes it.
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= 2 * size || (seconds >= size && seconds % size === 0)) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${seconds} s`;
}

// The server's clock counts, not the visitor's: ages are corrected by how far the two differ.
const skewMs = Date.now() - Date.parse(document.body.dataset.now);

function grow() {
  for (const time of document.querySelectorAll("time[data-age]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - skewMs - Date.parse(time.dateTime)) / 1000));
    time.textContent = document.body.dataset.ago.replace("%s", age(seconds));
  }
}
setInterval(grow, 1000);

// On a narrow screen the menu scrolls: show where we are.
document.querySelector('nav [aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" });

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector(".menu[open]")?.removeAttribute("open");
  const search = document.getElementById("search");
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (event.key !== "/" || typing || !search || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  search.focus();
  search.select();
});

document.addEventListener("click", (event) => {
  const menu = document.querySelector(".menu[open]");
  if (menu && !menu.contains(event.target)) menu.removeAttribute("open");
});

document.getElementById("theme")?.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.dataset.theme);
  document.dispatchEvent(new Event("theme"));
});

// Filters that are not set stay out of the address.
document.addEventListener("htmx:configRequest", (event) => {
  const { elt, parameters } = event.detail;
  if (elt.id !== "filter") return;
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
});
