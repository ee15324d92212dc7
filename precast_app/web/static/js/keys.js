// Keyboard shortcuts, and a switch to turn them off, for example for people who use speech input.
import { gettext } from "./languages.js";

const OFF = "keys-off";
const KEYS = [
  ["/", gettext("search")], [gettext("g then the first letter"), gettext("a tab of the project")], ["n", gettext("next page")],
  ["p", gettext("previous page")], ["?", gettext("this list")],
];
const AFTER_G_MS = 1500;
let afterG = 0;

function isTyping(target) {
  return target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

export function showKeys() {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", gettext("Keyboard shortcuts"));
  const list = document.createElement("dl");
  list.className = "facts";
  for (const [key, does] of KEYS) {
    const shown = document.createElement("dt");
    shown.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    list.append(shown, Object.assign(document.createElement("dd"), { textContent: does }));
  }
  const label = document.createElement("label");
  label.className = "check";
  const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !localStorage.getItem(OFF) });
  box.addEventListener("change", () => { if (box.checked) localStorage.removeItem(OFF); else localStorage.setItem(OFF, "1"); });
  label.append(box, gettext("Keyboard shortcuts are on"));
  const form = Object.assign(document.createElement("form"), { method: "dialog", className: "actions" });
  form.append(Object.assign(document.createElement("button"), { textContent: gettext("Close"), className: "main" }));
  dialog.append(list, label, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function tab(letter) {
  return [...document.querySelectorAll(".tabs a")].find((link) => link.textContent.trim().toLowerCase().startsWith(letter));
}

export function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]") || localStorage.getItem(OFF)) return;
  const field = document.querySelector("input[type=search]");
  if (Date.now() - afterG < AFTER_G_MS) {
    afterG = 0;
    tab(event.key.toLowerCase())?.click();
  } else if (event.key === "g") afterG = Date.now();
  else if (event.key === "?") showKeys();
  else if (event.key === "n" || event.key === "p") document.querySelector(`a[rel=${event.key === "n" ? "next" : "prev"}]`)?.click();
  else if (event.key === "/" && field) {
    event.preventDefault();
    field.focus();
    field.select();
  }
}
