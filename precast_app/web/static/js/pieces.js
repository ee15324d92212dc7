// The list of pieces: choosing rows, the bar that changes what is chosen, undo, and showing more rows.
import { call, newIdempotencyKey } from "./api.js";
import { el } from "./dom.js";
import { today } from "./dates.js";
import { waitForJob } from "./job_polling.js";
import { formatNumber, gettext, ngettext } from "./languages.js";
import { renderDynamic } from "./live.js";

const bar = document.getElementById("chosen");
const notice = document.getElementById("notice");
const results = () => document.getElementById("results");
const words = (number) => ngettext("%(num)s piece", "%(num)s pieces", number);

const chosen = new Map(); // the id of each chosen piece and its status
let allMatching = false;
let lastBox = null;
let total = null;

const boxes = () => [...results().querySelectorAll("input[data-piece]")];
const filter = () => JSON.parse(results().querySelector("[data-filter]")?.dataset.filter ?? "{}");
const number = () => (allMatching ? total : chosen.size);

// The number of pieces that match is counted apart from the page, which is shown before.
async function count() {
  const place = results().querySelector("[data-count]");
  total = null;
  if (!place) return;
  const query = new URLSearchParams({ ...filter(), limit: 1 });
  try {
    ({ count: total } = await call("GET", `/api/project/${place.dataset.count}/elements?${query}`));
    if (place.isConnected) place.textContent = words(total);
  } catch { /* the list itself is complete without its number */ }
  show();
}

function show() {
  if (!bar) return;
  const rows = boxes();
  for (const box of rows) {
    box.checked = allMatching || chosen.has(box.dataset.piece);
    box.closest("tr").classList.toggle("chosen", box.checked);
  }
  const head = results().querySelector("[data-choose-all]");
  const isFull = rows.length > 0 && rows.every((box) => box.checked);
  if (head) {
    head.checked = isFull;
    head.indeterminate = !isFull && chosen.size > 0;
  }
  bar.hidden = !number();
  if (bar.hidden) return;
  bar.querySelector("[data-number]").textContent = allMatching
    ? gettext("All %(pieces)s that match", { pieces: words(total) }) : gettext("%(pieces)s chosen", { pieces: words(chosen.size) });
  const all = bar.querySelector("[data-all]");
  all.hidden = allMatching || !isFull || !total || total <= chosen.size;
  all.textContent = gettext("Choose all %(number)s that match", { number: formatNumber(total ?? 0) });
  bar.querySelector("button.main").textContent = gettext("Mark %(pieces)s", { pieces: words(number()) });
  reason();
}

// A reason is asked for where a piece goes backwards or is scrapped.
function reason() {
  const steps = JSON.parse(bar.dataset.steps);
  const [kind, value] = bar.elements.set.value.split(":");
  const place = steps.indexOf(value);
  const goesBack = kind === "status" && (place < 0 || (allMatching && place < steps.length - 1) || [...chosen.values()].some((status) => steps.indexOf(status) > place));
  bar.elements.reason.closest("label").hidden = !goesBack;
  bar.elements.reason.required = kind === "status" && place < 0;
  bar.elements.note.closest("label").hidden = kind !== "note";
  bar.elements.note.required = kind === "note";
}

// Proposes the step after the one that the chosen pieces have in common.
function propose() {
  const statuses = new Set(chosen.values());
  if (allMatching || statuses.size !== 1) return;
  const steps = JSON.parse(bar.dataset.steps);
  const next = steps[steps.indexOf([...statuses][0]) + 1];
  if (next) bar.elements.set.value = `status:${next}`;
}

function toggle(box, isChosen) {
  if (isChosen) chosen.set(box.dataset.piece, box.dataset.status);
  else chosen.delete(box.dataset.piece);
}

function choose(event) {
  const box = event.target.closest("input[data-piece]");
  const rows = boxes();
  if (event.target.closest("[data-choose-all]")) {
    for (const each of rows) toggle(each, event.target.checked);
  } else if (box) {
    if (allMatching) for (const each of rows) toggle(each, true);
    const from = event.shiftKey && lastBox?.isConnected ? rows.indexOf(lastBox) : rows.indexOf(box);
    const to = rows.indexOf(box);
    for (const each of rows.slice(Math.min(from, to), Math.max(from, to) + 1)) toggle(each, box.checked);
    lastBox = box;
  } else return;
  allMatching = false;
  propose();
  show();
}

function clear() {
  chosen.clear();
  allMatching = false;
  lastBox = null;
  show();
}

function tell(tone, ...content) {
  notice.className = `notice note ${tone}`;
  const close = el("button", { type: "button", class: "plain close", "aria-label": gettext("Dismiss"), on: { click: () => { notice.hidden = true; } } }, "×");
  notice.replaceChildren(el("div", {}, ...content), close);
  notice.hidden = false;
}

async function reload() {
  const response = await fetch(location.href);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const found = page.getElementById("results");
  if (!response.ok || !found) { location.reload(); return; }
  results().replaceWith(found);
  renderDynamic(found);
}

// Follows a job that changes pieces, says what it has done, and shows the list again.
async function follow(jobId, doing, isUndo) {
  tell("", `${doing} …`);
  const job = await waitForJob(jobId, ({ progress }) => { if (progress) tell("", `${doing} … ${progress} %`); });
  await reload();
  const details = el("a", { href: `/jobs/${jobId}` }, gettext("Details"));
  if (job.status === "failed") { tell("bad", `${job.error} `, details); return; }
  const undo = el("button", { type: "button", on: { click: () => run(() => undoJob(jobId)) } }, gettext("Undo"));
  tell(job.rejected_count ? "warn" : "good", `${job.result} `, ...(isUndo ? [] : [undo, " "]), details);
  if (!isUndo) undo.focus({ preventScroll: true });
}

async function undoJob(jobId) {
  const { job_id: id } = await call("POST", `/api/jobs/${jobId}/undo`);
  await follow(id, gettext("Undoing"), true);
}

// Runs an action with the bar's buttons off; an error is shown in the notice.
async function run(action) {
  const buttons = [...bar.querySelectorAll("button"), ...notice.querySelectorAll("button")];
  for (const each of buttons) each.disabled = true;
  try {
    await action();
  } catch (error) {
    tell("bad", error.message);
  }
  for (const each of buttons) each.disabled = false;
}

const selection = () => (allMatching ? filter() : { ids: [...chosen.keys()].map(Number) });

async function mark() {
  const [kind, value] = bar.elements.set.value.split(":");
  const set = { [kind]: kind === "note" ? bar.elements.note.value : kind === "stage_id" ? Number(value) : value };
  if (bar.elements.date.value && bar.elements.date.value !== today()) set.date = bar.elements.date.value;
  if (!bar.elements.reason.closest("label").hidden && bar.elements.reason.value) set.reason = bar.elements.reason.value;
  const body = JSON.stringify({ filter: selection(), expected: number(), set });
  const { job_id: id } = await call("POST", `${bar.dataset.elements}/bulk`, body, { "Idempotency-Key": newIdempotencyKey() });
  const doing = gettext("Marking %(pieces)s", { pieces: words(number()) });
  clear();
  bar.elements.reason.value = "";
  bar.elements.note.value = "";
  await follow(id, doing, false);
}

async function makeLabels() {
  const body = JSON.stringify({ filter: selection(), format: bar.elements.format.value, start: Number(bar.elements.start.value) || 1 });
  const { job_id: id } = await call("POST", `${bar.dataset.elements}/labels`, body);
  const job = await (tell("", gettext("Making labels for %(pieces)s …", { pieces: words(number()) })), waitForJob(id));
  if (job.status === "failed") tell("bad", job.error);
  else tell("good", `${job.result} `, el("a", { class: "button", href: `/api/jobs/${id}/output` }, gettext("Download the PDF")));
}

// Appends the next page, so that what is chosen stays chosen and a choice can reach over pages.
async function showMore(link) {
  link.ariaDisabled = "true";
  const response = await fetch(link.href).catch(() => null);
  const page = response?.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  if (!page) { location.href = link.href; return; }
  const rows = [...page.querySelectorAll("#results tbody tr")];
  results().querySelector("tbody").append(...rows);
  const pager = page.querySelector("#results .pager");
  if (pager) results().querySelector(".pager").replaceWith(pager);
  else results().querySelector(".pager").remove();
  show();
  rows[0]?.querySelector("a").focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const more = event.target.closest("#results a[rel=next]");
  if (more && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    showMore(more);
  } else if (bar && results().contains(event.target)) choose(event);
});
if (bar) {
  bar.elements.date.value = bar.elements.date.max = today();
  bar.elements.set.addEventListener("change", reason);
  bar.querySelector("[data-all]").addEventListener("click", () => { allMatching = true; show(); });
  bar.querySelector("[data-clear]").addEventListener("click", clear);
  bar.querySelector("[data-labels]").addEventListener("click", () => run(makeLabels));
  bar.addEventListener("submit", (event) => { event.preventDefault(); run(mark); });
}
// A scanner types a code and Enter: if one piece is found then, its page is opened.
let opensOnly = false;
document.querySelector("input[type=search]")?.addEventListener("keydown", ({ key }) => { opensOnly = key === "Enter"; });
function openOnly() {
  const links = results().querySelectorAll("tbody th a");
  if (opensOnly && links.length === 1) location.href = links[0].href;
  opensOnly = false;
}
// Another filter shows other pieces: nothing is chosen then.
new MutationObserver((records) => {
  if (!records.some((record) => [...record.addedNodes].some((node) => node.id === "results"))) return;
  clear();
  count();
  openOnly();
}).observe(document.getElementById("main"), { childList: true });
// A tower's floors only.
const tower = document.querySelector("select[name=tower]");
function showFloors() {
  for (const group of document.querySelectorAll("select[name=node_id] optgroup")) group.hidden = Boolean(tower.value) && group.dataset.tower !== tower.value;
}
tower?.addEventListener("change", () => {
  const floor = document.querySelector("select[name=node_id]");
  if (tower.value && floor.selectedOptions[0]?.parentElement.dataset.tower !== tower.value) floor.value = "";
  showFloors();
});
if (tower) showFloors();
count();
