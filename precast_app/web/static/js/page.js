// What every page needs: times in words, bars that glide, parts that renew themselves, forms that call the API, keys.
import { call } from "./api.js";

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function sayTimes(root) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const seconds = (moment - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? UNITS.at(-1);
    element.textContent = words.format(Math.round(seconds / size), unit);
    element.title = moment.toLocaleString();
  }
}

const widths = new Map();

function drawBars(root) {
  for (const bar of root.querySelectorAll("[data-bar]")) {
    const fill = bar.firstElementChild;
    const percent = Number(bar.getAttribute("aria-valuenow"));
    // From where it was before its part of the page was renewed.
    fill.style.width = `${widths.get(bar.dataset.bar) ?? percent}%`;
    requestAnimationFrame(() => requestAnimationFrame(() => { fill.style.width = `${percent}%`; }));
    widths.set(bar.dataset.bar, percent);
  }
}

export function toast(text) {
  const line = document.createElement("div");
  line.textContent = text;
  document.querySelector(".toasts").append(line);
  setTimeout(() => line.remove(), 8000);
}

function ask(text) {
  const dialog = document.createElement("dialog");
  const question = document.createElement("p");
  question.textContent = text;
  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "actions";
  for (const [value, label, style] of [["", "No, go back", ""], ["yes", "Yes", "main"]]) {
    const button = document.createElement("button");
    button.value = value;
    button.textContent = label;
    button.className = style;
    form.append(button);
  }
  dialog.append(question, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { resolve(dialog.returnValue === "yes"); dialog.remove(); });
  });
}

// <button data-call="POST /api/…" data-ask="Really?" data-then="/where/{job_id}">
async function act(button) {
  if (button.dataset.ask && !(await ask(button.dataset.ask))) return;
  const [method, path] = button.dataset.call.split(" ");
  button.disabled = true;
  try {
    const answer = await call(method, path, button.dataset.body);
    const then = button.dataset.then;
    if (then) location.href = then.replace("{job_id}", answer?.job_id);
    else location.reload();
  } catch (error) {
    button.disabled = false;
    const place = (button.closest("section") ?? document).querySelector("[data-problem]");
    if (place) {
      place.textContent = error.message;
      place.hidden = false;
      place.focus();
    } else toast(error.message);
  }
}

// <form data-api="POST /api/…"> sends its fields as JSON.
async function send(form) {
  const [method, path] = form.dataset.api.split(" ");
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    if (field.type === "checkbox") body[field.name] = field.checked;
    else if (field.value !== "") body[field.name] = field.dataset.number === undefined ? field.value : Number(field.value);
    else if (field.dataset.blank === "null") body[field.name] = null;
  }
  const filled = path.replace("{name}", encodeURIComponent(body.user ?? ""));
  if (path.includes("{name}")) delete body.user;
  const problem = form.querySelector("[data-problem]");
  try {
    const answer = await call(method, filled, JSON.stringify(body));
    if (answer?.token) {
      const shown = form.querySelector("output");
      shown.textContent = answer.token;
      shown.closest("[hidden]").hidden = false;
    } else location.reload();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
}

// <div data-live="/address"> is asked for again: soon while it holds something [data-moving], seldom otherwise.
const FAST = 700;
const SLOWEST = 15000;

function follow(element) {
  let etag = "";
  let pause = FAST;
  let wasMoving = Boolean(element.querySelector("[data-moving]"));
  async function look() {
    if (document.hidden) {
      document.addEventListener("visibilitychange", look, { once: true });
      return;
    }
    try {
      const answer = await fetch(element.dataset.live, { headers: etag ? { "If-None-Match": etag } : {} });
      if (answer.status === 200) {
        etag = answer.headers.get("ETag") ?? "";
        const focused = document.activeElement?.id;
        element.innerHTML = await answer.text();
        if (focused) document.getElementById(focused)?.focus();
        enliven(element);
      } else if (answer.status === 401 || answer.status === 404) return;
      const moving = Boolean(element.querySelector("[data-moving]"));
      if (wasMoving && !moving && element.dataset.reload !== undefined) {
        location.reload();
        return;
      }
      wasMoving = moving;
      pause = moving ? FAST : Math.min(pause * 1.6, SLOWEST);
    } catch {
      pause = SLOWEST;
    }
    setTimeout(look, pause);
  }
  setTimeout(look, wasMoving ? FAST : SLOWEST / 3);
}

// <form data-search="#results"> shows what is found while one types.
function search(form) {
  let timer;
  let latest = 0;
  async function find() {
    const address = `${form.getAttribute("action")}?${new URLSearchParams([...new FormData(form)].filter(([, text]) => text))}`;
    const mine = ++latest;
    const answer = await fetch(address);
    if (!answer.ok || mine !== latest) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(form.dataset.search);
    document.querySelector(form.dataset.search).replaceWith(found);
    enliven(found);
    history.replaceState(null, "", address);
  }
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 200); });
}

function enliven(root) {
  sayTimes(root);
  drawBars(root);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-call]");
  if (button) act(button);
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard.writeText(document.querySelector(copy.dataset.copy).textContent).then(() => toast("Copied."));
});
document.addEventListener("submit", (event) => {
  if (event.target.dataset.api) {
    event.preventDefault();
    send(event.target);
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input, textarea, select")) {
    const field = document.querySelector("input[type=search]");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  }
});
enliven(document);
document.querySelectorAll("[data-live]").forEach(follow);
document.querySelectorAll("[data-search]").forEach(search);
