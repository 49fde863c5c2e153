// Light or dark, before the first paint: the visitor's choice, else the system's wish.

const chosen = localStorage.getItem("theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
document.documentElement.classList.add("scripted");
