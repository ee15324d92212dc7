// Parts of an open page that are polled and replaced.
import { drawBars, renderTimes } from "./feedback.js";
import { gettext } from "./languages.js";
import { signInAgain } from "./session.js";

const FAST_MS = 700;
const SLOWEST_MS = 15000;
const SLOWER = 1.6;
// A pause lasts at least this many times as long as the response took, so that a busy server is polled less often.
const PAUSE_FACTOR = 20;

export function renderDynamic(root) {
  renderTimes(root);
  drawBars(root);
}

// The indexes of an element and its ancestors below `root`.
function indexPath(element, root) {
  const path = [];
  for (let each = element; each !== root; each = each.parentElement) path.unshift([...each.parentElement.children].indexOf(each));
  return path;
}

// Replaces the content of an element but keeps what the user has opened, scrolled or focused.
export function renew(element, html) {
  const opened = [...element.querySelectorAll("details")].map((each) => each.open);
  const scrolled = [...element.querySelectorAll(".scroll")].map((each) => [each.scrollLeft, each.scrollTop]);
  const active = element.contains(document.activeElement) ? indexPath(document.activeElement, element) : null;
  element.innerHTML = html;
  element.querySelectorAll("details").forEach((each, place) => { each.open = opened[place] ?? each.open; });
  element.querySelectorAll(".scroll").forEach((each, place) => { [each.scrollLeft, each.scrollTop] = scrolled[place] ?? [0, 0]; });
  if (active) active.reduce((each, place) => each?.children[place], element)?.focus({ preventScroll: true });
  renderDynamic(element);
}

const AWAY = gettext("The server is unreachable or overloaded, so the information below may be out of date. The page retries automatically.");
const SEARCH_FAILED = gettext("The server is unreachable or overloaded, so the results below are those of the search before. The page retries automatically.");
const CLOSED = gettext("The information below no longer exists, or you no longer have access to it. Reload the page.");

// Shows a note above a part of the page that can't be refreshed; an empty text removes it.
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

// <div data-live="/path"> is polled: often while it contains an element [data-moving], less and less often otherwise, and
// not at all while the page is in the background. With data-reload the whole page is reloaded when nothing moves any
// more. After a 429, a 5xx or a network error it is polled again after Retry-After, or else after a fixed time.
export function follow(element) {
  let etag = "";
  let wasMoving = Boolean(element.querySelector("[data-moving]"));
  let pause = wasMoving ? FAST_MS : SLOWEST_MS / 3;
  let misses = 0;
  // A single failure is not shown: the browser may be leaving the page.
  function missed(wait) {
    misses += 1;
    if (misses > 1) noteAbove(element, AWAY);
    setTimeout(poll, wait || (misses > 1 ? SLOWEST_MS : FAST_MS));
  }
  async function poll() {
    // A search has replaced this element.
    if (!element.isConnected) return;
    if (document.hidden) {
      pause = FAST_MS;
      document.addEventListener("visibilitychange", poll, { once: true });
      return;
    }
    const asked = performance.now();
    try {
      const response = await fetch(element.dataset.live, { headers: etag ? { "If-None-Match": etag } : {} });
      if (response.status === 401) {
        if (await signInAgain()) poll();
        else location.reload();
        return;
      }
      if (response.status === 200) {
        etag = response.headers.get("ETag") ?? "";
        renew(element, await response.text());
      } else if (response.status === 429 || response.status >= 500) {
        missed(Number(response.headers.get("Retry-After")) * 1000);
        return;
      } else if (response.status !== 304) {
        noteAbove(element, CLOSED);
        return;
      }
      misses = 0;
      noteAbove(element, "");
      const isMoving = Boolean(element.querySelector("[data-moving]"));
      const hasEnded = wasMoving && !isMoving && element.dataset.reload !== undefined;
      // Don't reload while a dialog is open.
      if (hasEnded && !document.querySelector("dialog[open]")) {
        location.reload();
        return;
      }
      wasMoving = isMoving || hasEnded;
      const took = performance.now() - asked;
      pause = Math.min(isMoving ? Math.max(FAST_MS, took * PAUSE_FACTOR) : pause * SLOWER, SLOWEST_MS);
    } catch {
      missed();
      return;
    }
    setTimeout(poll, pause);
  }
  setTimeout(poll, pause);
}

// <form data-search="#results"> replaces the results while the user types.
export function search(form) {
  let timer;
  let latest = 0;
  async function find() {
    const given = [...new FormData(form)].filter(([, text]) => text);
    const address = `${form.getAttribute("action")}?${new URLSearchParams(given)}`;
    const mine = ++latest;
    const place = document.querySelector(form.dataset.search);
    place.setAttribute("aria-busy", "true");
    let response = null;
    let found = null;
    try {
      response = await fetch(address);
      if (response.ok) found = new DOMParser().parseFromString(await response.text(), "text/html").querySelector(form.dataset.search);
    } catch { /* handled below */ }
    if (mine !== latest) return;
    if (response?.status === 401 && await signInAgain()) {
      find();
      return;
    }
    // Loading the page says what is wrong, for example that the user has lost access to it.
    if (response && !found && response.status < 500 && response.status !== 429) { location.href = address; return; }
    if (!found) {
      place.removeAttribute("aria-busy");
      noteAbove(place, SEARCH_FAILED);
      timer = setTimeout(find, SLOWEST_MS / 3);
      return;
    }
    noteAbove(place, "");
    place.replaceWith(found);
    renderDynamic(found);
    found.querySelectorAll("[data-live]").forEach(follow);
    history.replaceState(null, "", address);
  }
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 200); });
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); find(); });
}
