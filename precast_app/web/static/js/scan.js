// The page that scans many pieces and gives all of them one status.
import { canReadCodes, watch } from "./camera.js";
import { call } from "./api.js";
import { el } from "./dom.js";
import { waitForJob } from "./job_polling.js";
import { gettext, ngettext } from "./languages.js";
import { deliver, localTime, Store } from "./scan_outbox.js";
import { signInAgain } from "./session.js";

const page = document.getElementById("scan");
const { project } = page.dataset;
const form = page.querySelector("form");
const list = page.querySelector("[data-list]");
const outbox = page.querySelector("[data-outbox]");
const heard = page.querySelector("[data-heard]");
const sendButton = page.querySelector("[data-send]");
const cameraButton = page.querySelector("[data-camera]");
const video = page.querySelector("video");
const store = new Store(`scans-${project}-${document.body.dataset.user}`);
const STATUSES = { planned: gettext("planned"), scrapped: gettext("scrapped") };
const RETRY_MS = 10_000;
const known = new Map(); // what the server says about a code: the piece, or null if there is none
let stopCamera = null;
let isSending = false;

const words = (count) => ngettext("%(num)s piece", "%(num)s pieces", count);
const chosenLabel = () => form.elements.set.selectedOptions[0].textContent;
// The words of a status, which the list of choices has; scrapped is not one of them.
const statusWords = (status) => form.elements.set.querySelector(`[value="status:${status}"]`)?.textContent ?? STATUSES[status];
const sendable = () => store.list.filter(({ code }) => known.get(code) !== null);

// A label's code is the address of its piece's page, which ends with the piece's code: …/pieces/17?code=WALL/T1_F2/0001
function pieceCode(text) {
  const given = text.trim();
  if (!/^https?:\/\//i.test(given) || !URL.canParse(given)) return given;
  return new URL(given).searchParams.get("code") ?? given;
}

// A hand scanner with another keyboard layout, or a person, may write small letters; the server reads them, too.
const isSame = (code, written) => code.toLowerCase() === written.toLowerCase();

function describe(code) {
  const piece = known.get(code);
  if (piece === null) return el("span", { class: "bad" }, gettext("There is no such piece in this project. It is not sent."));
  if (!piece) return el("span", { class: "hint" }, navigator.onLine ? "…" : gettext("Not checked yet: there is no connection."));
  const place = [piece.tower, piece.floor].filter(Boolean).join(", ").replaceAll("_", " ");
  return el("span", { class: "hint" }, `${piece.element_type_name}, ${place}, ${statusWords(piece.status)}`);
}

function show() {
  list.replaceChildren(...store.list.toReversed().map(({ code }) => el("li", { "data-code": code },
    el("div", {}, el("strong", { class: "mono" }, code), el("br"), describe(code)),
    el("button", { type: "button", class: "plain close", "aria-label": gettext("Remove %(name)s", { name: code }), on: { click: () => remove(code) } }, "×"))));
  const count = sendable().length;
  sendButton.disabled = !count;
  sendButton.textContent = count ? gettext("Mark %(pieces)s as %(status)s", { pieces: words(count), status: chosenLabel() }) : gettext("Nothing scanned yet");
  if (form.elements.set.value.startsWith("stage:") && count) sendButton.textContent = gettext("%(stage)s passed: %(pieces)s", { stage: chosenLabel(), pieces: words(count) });
  outbox.replaceChildren(...store.outbox.map(line));
  outbox.closest("section").hidden = !store.outbox.length;
}

// A list in the outbox: on its way, arrived, or refused.
function line(batch) {
  const actions = el("div", { class: "actions" });
  const button = (label, action, style = "") => actions.append(el("button", { type: "button", class: style, on: { click: action } }, label));
  const drop = () => { store.outbox = store.outbox.filter((each) => each !== batch); store.save(); show(); };
  let text = gettext("Kept on this device. It is sent as soon as there is a connection.");
  if (batch.done) {
    text = batch.done;
    if (!batch.isUndone) button(gettext("Undo"), () => undo(batch));
    button(gettext("Dismiss"), drop);
  } else if (batch.problem) {
    text = batch.problem;
    button(gettext("Try again"), () => { batch.problem = ""; send(); });
    button(gettext("Discard"), drop);
  } else if (batch.job) text = gettext("Sent …");
  if (batch.job) actions.prepend(el("a", { href: `/jobs/${batch.job}` }, gettext("Details")));
  return el("li", { class: "card" }, el("div", { class: "title" }, batch.label), el("p", { class: batch.problem ? "bad" : "meta" }, text), actions);
}

function remove(code) {
  store.list = store.list.filter((each) => each.code !== code);
  store.save();
  show();
}

// Asks the server what a code is; without a connection it is asked later.
async function check(code) {
  if (known.get(code) !== undefined) return;
  try {
    const query = new URLSearchParams({ search: code, limit: 10 });
    const response = await fetch(`/api/project/${project}/elements?${query}`);
    if (!response.ok) return;
    const { elements } = await response.json();
    known.set(code, elements.find((each) => isSame(each.code, code)) ?? null);
  } catch { return; }
  show();
}

function flash(code) {
  const line = list.querySelector(`[data-code="${CSS.escape(code)}"]`);
  line?.classList.remove("flash");
  requestAnimationFrame(() => line?.classList.add("flash"));
}

function add(text, isRepeated = false) {
  const code = pieceCode(text);
  if (!code) return;
  if (store.list.some((each) => isSame(each.code, code))) {
    // The camera sees the same label many times a second.
    if (!isRepeated) { heard.textContent = gettext("%(code)s is in the list already.", { code }); flash(code); }
    return;
  }
  store.list.push({ code, at: localTime(new Date()) });
  store.save();
  navigator.vibrate?.(60);
  heard.textContent = gettext("%(code)s: %(pieces)s scanned.", { code, pieces: words(store.list.length) });
  show();
  flash(code);
  check(code);
}

async function undo(batch) {
  try {
    const { job_id: id } = await call("POST", `/api/jobs/${batch.job}/undo`);
    const job = await waitForJob(id);
    batch.done = job.status === "completed" ? gettext("Undone. %(result)s", { result: job.result }) : job.error;
    batch.isUndone = job.status === "completed";
  } catch (error) {
    batch.done = error.message;
  }
  store.save();
  show();
}

async function finish(batch) {
  const job = await waitForJob(batch.job);
  if (job.status === "failed") batch.problem = job.error;
  else batch.done = job.rejected_count ? `${job.result}. ${job.error ?? ""}` : job.result;
  known.clear();
}

// Sends what is in the outbox, in its order, and follows the jobs.
async function send() {
  if (isSending) return;
  isSending = true;
  try {
    for (const batch of [...store.outbox]) {
      if (batch.done || batch.problem) continue;
      if (!batch.job) {
        let outcome = await deliver(batch, project);
        if (outcome === "signed-out" && await signInAgain()) outcome = await deliver(batch, project);
        if (outcome === "offline" || outcome === "signed-out") break;
        if (outcome !== "sent") batch.problem = outcome;
        store.save();
        show();
      }
      if (batch.job) await finish(batch).catch(() => {});
      store.save();
      show();
    }
  } finally {
    isSending = false;
  }
}

function pack() {
  const pieces = sendable();
  if (!pieces.length) return;
  const [kind, value] = form.elements.set.value.split(/:(.*)/s);
  const label = kind === "stage" ? gettext("%(pieces)s: %(stage)s passed", { pieces: words(pieces.length), stage: chosenLabel() }) : gettext("%(pieces)s as %(status)s", { pieces: words(pieces.length), status: chosenLabel() });
  store.pack(pieces, kind === "stage" ? "Stage" : "Status", value, label);
  show();
  send();
}

async function toggleCamera() {
  if (stopCamera) {
    stopCamera();
    stopCamera = null;
  } else {
    try {
      stopCamera = await watch(video, (text) => add(text, true));
    } catch {
      heard.textContent = gettext("The camera can't be used. Allow it in the browser's settings for this page, or type the code.");
    }
  }
  video.hidden = !stopCamera;
  cameraButton.textContent = stopCamera ? gettext("Stop the camera") : gettext("Scan with the camera");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  // A hand scanner or a pasted list may give several codes at once.
  for (const text of form.elements.code.value.split(/[\n\t;]+/)) add(text);
  form.elements.code.value = "";
  form.elements.code.focus();
});
form.elements.set.addEventListener("change", () => { localStorage.setItem(`${store.name}-set`, form.elements.set.value); show(); });
sendButton.addEventListener("click", pack);
addEventListener("online", () => { store.list.forEach(({ code }) => check(code)); send(); });
setInterval(() => { if (store.outbox.some((each) => !each.done && !each.problem)) send(); }, RETRY_MS);
if (canReadCodes()) {
  cameraButton.hidden = false;
  cameraButton.addEventListener("click", toggleCamera);
} else page.querySelector("[data-no-camera]").hidden = false;
const before = localStorage.getItem(`${store.name}-set`);
if ([...form.elements.set.options].some((each) => each.value === before)) form.elements.set.value = before;
show();
store.list.forEach(({ code }) => check(code));
send();
