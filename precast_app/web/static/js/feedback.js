// Relative times, animated progress bars, toasts, error messages and confirmation dialogs.
import { formatTime, gettext, relativeTimes } from "./languages.js";

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const words = relativeTimes();
const PENDING_TOAST = "pending-toast";
const PENDING_FOCUS = "pending-focus";
const SHOWN_MS = 8000;

export function renderTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const seconds = (moment - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
    element.textContent = words.format(Math.round(seconds / size), unit);
    element.title = formatTime(moment);
  }
}

const widths = new Map();

export function drawBars(root) {
  for (const bar of root.querySelectorAll("[data-bar]")) {
    const fill = bar.firstElementChild;
    const percent = Number(bar.getAttribute("aria-valuenow"));
    // Start from the width before this part of the page was reloaded.
    fill.style.width = `${widths.get(bar.dataset.bar) ?? percent}%`;
    requestAnimationFrame(() => requestAnimationFrame(() => { fill.style.width = `${percent}%`; }));
    widths.set(bar.dataset.bar, percent);
  }
}

export function toast(text) {
  const line = document.createElement("div");
  line.textContent = text;
  document.querySelector(".toasts").append(line);
  setTimeout(() => line.remove(), SHOWN_MS);
}

// Shows the toast on the page that is loaded next.
export function toastAfterReload(text) {
  if (text) sessionStorage.setItem(PENDING_TOAST, text);
}

export function showPendingToast() {
  const text = sessionStorage.getItem(PENDING_TOAST);
  sessionStorage.removeItem(PENDING_TOAST);
  if (text) toast(text);
}

// Focuses the first field of the form on the page that is loaded next, or the control that opens the form if it is closed.
export function focusAfterReload(form) {
  sessionStorage.setItem(PENDING_FOCUS, form.dataset.api);
}

export function focusPending() {
  const api = sessionStorage.getItem(PENDING_FOCUS);
  sessionStorage.removeItem(PENDING_FOCUS);
  const form = api && [...document.querySelectorAll("form[data-api]")].find((each) => each.dataset.api === api);
  if (form) (form.closest("details:not([open])")?.querySelector("summary") ?? form.querySelector("input:not([hidden]), select")).focus();
}

// Shows an error in the nearest [data-error] element; several reasons become a list.
export function showError(near, error) {
  const place = near.querySelector("[data-error]") ?? document.querySelector("[data-error]");
  if (!place) { toast(error.message); return; }
  const reasons = error.reasons ?? [];
  // The message may already contain the reasons.
  const texts = reasons.map(([, text]) => text);
  const whole = texts.every((text) => error.message.includes(text));
  place.textContent = whole && texts.length > 1 ? error.message.replace(texts.join(" "), "").trim() : error.message;
  if (!whole || texts.length > 1) {
    const list = document.createElement("ul");
    for (const [field, text] of reasons) {
      const label = whole ? "" : `${field.replaceAll("_", " ")}: `;
      list.append(Object.assign(document.createElement("li"), { textContent: label + text }));
    }
    place.append(list);
  }
  place.hidden = false;
  place.focus();
}

export function clearErrors(near) {
  for (const place of near.querySelectorAll("[data-error]")) place.hidden = true;
}

// Asks for confirmation; resolves to true if the user confirms.
export function confirmAction(text) {
  const dialog = document.createElement("dialog");
  const question = document.createElement("p");
  question.textContent = text;
  question.id = "question";
  dialog.setAttribute("aria-labelledby", question.id);
  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "actions";
  for (const [value, label, style] of [["", gettext("No, go back"), ""], ["yes", gettext("Yes"), "main"]]) {
    form.append(Object.assign(document.createElement("button"), { value, textContent: label, className: style }));
  }
  dialog.append(question, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { resolve(dialog.returnValue === "yes"); dialog.remove(); });
  });
}
