// Parts of a page that are asked for again while it is open.
import { drawBars, renderTimes } from "./feedback.js";

const FAST_MS = 700;
const SLOWEST_MS = 15000;
const SLOWER = 1.6;
// A pause is at least so many times as long as the answer took: who is many, or asks a busy server, asks less often.
const POLITE = 20;

export function renderDynamic(root) {
  renderTimes(root);
  drawBars(root);
}

// Where a thing stands below another one, as a path of places.
function placeOf(element, root) {
  const path = [];
  for (let each = element; each !== root; each = each.parentElement) path.unshift([...each.parentElement.children].indexOf(each));
  return path;
}

// New content that leaves alone what a person has done to the old one: opened, scrolled, gone to.
export function renew(element, html) {
  const opened = [...element.querySelectorAll("details")].map((each) => each.open);
  const scrolled = [...element.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
  const active = element.contains(document.activeElement) ? placeOf(document.activeElement, element) : null;
  element.innerHTML = html;
  element.querySelectorAll("details").forEach((each, place) => { each.open = opened[place] ?? each.open; });
  element.querySelectorAll(".scroll").forEach((each, place) => { [each.scrollLeft, each.scrollTop] = scrolled[place] ?? [0, 0]; });
  if (active) active.reduce((each, place) => each?.children[place], element)?.focus({ preventScroll: true });
  renderDynamic(element);
}

const AWAY = "What is shown below may have changed since: the server is away or has too much to do. It is asked again by itself.";
const CLOSED = "What is shown below no longer exists, or you may no longer see it. Reload the page.";

// Above a part that can't be renewed stands why; one note at a time, none without a text.
function noteAbove(element, text) {
  const above = element.previousElementSibling;
  const there = above?.dataset.stale === undefined ? null : above;
  if (!text) { there?.remove(); return; }
  if (there?.textContent === text) return;
  const note = there ?? document.createElement("p");
  note.className = "note warn";
  note.dataset.stale = "";
  note.setAttribute("role", "status");
  note.textContent = text;
  if (!there) element.before(note);
}

// <div data-live="/address"> is asked for soon while it holds something [data-moving], ever more seldom otherwise, and
// not at all while the page is in the background. With data-reload the whole page is loaded when the movement ends. A
// server that is away or has too much to do (429, 5xx) is asked again, when it says so itself or else after a while.
export function follow(element) {
  let etag = "";
  let wasMoving = Boolean(element.querySelector("[data-moving]"));
  let pause = wasMoving ? FAST_MS : SLOWEST_MS / 3;
  let misses = 0;
  // One miss alone is not worth a word: the page may be on its way out.
  function missed(wait) {
    misses += 1;
    if (misses > 1) noteAbove(element, AWAY);
    setTimeout(look, wait || (misses > 1 ? SLOWEST_MS : FAST_MS));
  }
  async function look() {
    // A search has put another part in its place.
    if (!element.isConnected) return;
    if (document.hidden) {
      pause = FAST_MS;
      document.addEventListener("visibilitychange", look, { once: true });
      return;
    }
    const asked = performance.now();
    try {
      const answer = await fetch(element.dataset.live, { headers: etag ? { "If-None-Match": etag } : {} });
      if (answer.status === 401) {
        // The session has ended: the sign-in leads back to here.
        location.reload();
        return;
      }
      if (answer.status === 200) {
        etag = answer.headers.get("ETag") ?? "";
        renew(element, await answer.text());
      } else if (answer.status === 429 || answer.status >= 500) {
        missed(Number(answer.headers.get("Retry-After")) * 1000);
        return;
      } else if (answer.status !== 304) {
        noteAbove(element, CLOSED);
        return;
      }
      misses = 0;
      noteAbove(element, "");
      const isMoving = Boolean(element.querySelector("[data-moving]"));
      const hasEnded = wasMoving && !isMoving && element.dataset.reload !== undefined;
      // Not under the eyes of who is answering a question.
      if (hasEnded && !document.querySelector("dialog[open]")) {
        location.reload();
        return;
      }
      wasMoving = isMoving || hasEnded;
      const took = performance.now() - asked;
      pause = Math.min(isMoving ? Math.max(FAST_MS, took * POLITE) : pause * SLOWER, SLOWEST_MS);
    } catch {
      missed();
      return;
    }
    setTimeout(look, pause);
  }
  setTimeout(look, pause);
}

// <form data-search="#results"> shows what is found while one types.
export function search(form) {
  let timer;
  let latest = 0;
  async function find() {
    const given = [...new FormData(form)].filter(([, text]) => text);
    const address = `${form.getAttribute("action")}?${new URLSearchParams(given)}`;
    const mine = ++latest;
    const place = document.querySelector(form.dataset.search);
    place.setAttribute("aria-busy", "true");
    let found = null;
    try {
      const answer = await fetch(address);
      if (answer.ok) found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(form.dataset.search);
    } catch { /* said below */ }
    if (mine !== latest) return;
    if (!found) { location.href = address; return; }
    place.replaceWith(found);
    renderDynamic(found);
    found.querySelectorAll("[data-live]").forEach(follow);
    history.replaceState(null, "", address);
  }
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 200); });
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); find(); });
}
