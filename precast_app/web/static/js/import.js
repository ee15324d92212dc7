// Uploads files that are dropped on any page of a project, or chosen: each becomes a preview, whose page is opened.
// Several files are sent one after another; the user can dismiss each of them.
import { call, request } from "./api.js";
import { showError } from "./feedback.js";
import { gettext, language } from "./languages.js";
import { signInAgain } from "./session.js";

const project = document.body.dataset.project;
const form = document.getElementById("import");
const PANEL = "uploads";
const SAME_MS = 3000;
const LONGEST_KEY = 200;
const DETECT = "auto";
const UNREACHABLE = gettext("The server can't be reached. Check the connection and drop the file again.");
let queue = Promise.resolve();

function panel() {
  const existing = document.getElementById(PANEL);
  if (existing) return existing;
  const created = Object.assign(document.createElement("ul"), { id: PANEL, className: "cards dropped" });
  created.setAttribute("aria-live", "polite");
  created.setAttribute("aria-label", gettext("Uploads"));
  document.body.append(created);
  return created;
}

function addCard(name) {
  const card = Object.assign(document.createElement("li"), { className: "card" });
  const title = Object.assign(document.createElement("div"), { className: "title" });
  const close = Object.assign(document.createElement("button"), { type: "button", className: "plain close", textContent: "×" });
  close.setAttribute("aria-label", gettext("Dismiss %(name)s", { name }));
  close.title = gettext("Dismiss");
  title.append(Object.assign(document.createElement("span"), { textContent: name }), close);
  const status = Object.assign(document.createElement("div"), { className: "meta", textContent: gettext("Waiting …") });
  const progress = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  progress.setAttribute("aria-label", gettext("Sending %(name)s", { name }));
  card.append(title, progress, status);
  card.dataset.upload = "open";
  panel().append(card);
  const upload = { card, status, progress, transfer: null };
  close.addEventListener("click", () => {
    const next = card.nextElementSibling ?? card.previousElementSibling;
    upload.transfer?.abort();
    card.remove();
    next?.querySelector(".close").focus();
  });
  return upload;
}

function fail(upload, message) {
  upload.card.dataset.upload = "failed";
  upload.progress.remove();
  upload.status.className = "note bad";
  upload.status.setAttribute("role", "alert");
  upload.status.textContent = message;
}

// A single file leads to its preview at once; of several files each shows a link to its own.
function succeed(upload, name, jobId) {
  if (panel().querySelectorAll("[data-upload=open], [data-upload=done]").length === 1) {
    location.href = `/jobs/${jobId}`;
    return;
  }
  upload.card.dataset.upload = "done";
  upload.progress.remove();
  upload.status.replaceChildren(
    Object.assign(document.createElement("a"), { href: `/jobs/${jobId}`, textContent: gettext("Show what %(name)s would change", { name }) }),
  );
}

// The headings fit several types of data: the user chooses one of them.
function askForType(upload, file, options, types) {
  upload.progress.hidden = true;
  const question = Object.assign(document.createElement("p"), { textContent: gettext("The headings don't say what this file contains. Choose:") });
  const choices = Object.assign(document.createElement("div"), { className: "actions" });
  for (const button of document.getElementById("job-type-choices").content.cloneNode(true).querySelectorAll("button")) {
    if (!types.includes(button.value)) continue;
    button.addEventListener("click", () => {
      upload.progress.hidden = false;
      enqueue(upload, file, { ...options, job_type: button.value });
    });
    choices.append(button);
  }
  upload.status.setAttribute("role", "group");
  upload.status.setAttribute("aria-label", upload.card.querySelector("span").textContent);
  upload.status.replaceChildren(question, choices);
}

function transfer(upload, file, options) {
  const query = new URLSearchParams({ dry_run: "true", mapping: "ask", ...options });
  const body = new FormData();
  body.append("file", file);
  const sending = upload.transfer = new XMLHttpRequest();
  sending.open("POST", `/api/project/${project}/jobs?${query}`);
  // The same file sent twice within a few seconds, for example by a double click, becomes one job.
  const same = [Math.floor(Date.now() / SAME_MS), file.lastModified, file.size, query, encodeURIComponent(file.name)].join("-");
  sending.setRequestHeader("Precast-Language", language);
  sending.setRequestHeader("Idempotency-Key", same.slice(0, LONGEST_KEY));
  sending.upload.addEventListener("progress", (event) => { upload.progress.value = event.loaded / event.total; });
  return new Promise((resolve) => {
    sending.addEventListener("loadend", () => resolve(sending));
    sending.send(body);
  });
}

async function send(upload, file, options) {
  if (!upload.card.isConnected) return;
  upload.status.textContent = gettext("Sending …");
  const sent = await transfer(upload, file, options);
  if (!upload.card.isConnected) return;
  if (sent.status === 401) {
    if (await signInAgain()) await send(upload, file, options);
    else fail(upload, gettext("Your session has ended, so the file was not sent. Drop the file again to sign in."));
    return;
  }
  let response = {};
  try { response = JSON.parse(sent.responseText); } catch { /* a proxy's own page */ }
  const types = response.errors?.job_types;
  if (sent.status === 0) fail(upload, UNREACHABLE);
  else if (sent.status < 300) succeed(upload, file.name, response.job_id);
  else if (!types) fail(upload, response.message ?? gettext("The server answered with status %(status)s. Try again.", { status: sent.status }));
  // A page about one type of data answers the question.
  else if (types.includes(document.body.dataset.drop)) await send(upload, file, { ...options, job_type: document.body.dataset.drop });
  else askForType(upload, file, options, types);
}

function enqueue(upload, file, options) {
  queue = queue.then(() => send(upload, file, options));
}

function chosenOptions() {
  const options = { job_type: form?.elements.job_type.value || DETECT };
  if (form?.elements.abort?.checked) options.on_error = "abort";
  if (form?.elements.create_missing?.checked && [DETECT, "element_type_import"].includes(options.job_type)) options.create_missing = "true";
  return options;
}

// If the bytes can't be read, it is a folder, or the file was moved or deleted.
async function isReadable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function take(files, options) {
  // All cards first, so that the first file is known not to be the only one.
  const uploads = files.map((file) => [addCard(file.name), file]);
  for (const [upload, file] of uploads) {
    if (await isReadable(file)) enqueue(upload, file, options);
    else fail(upload, gettext("This can't be read. It is a folder, or the file was moved or deleted. Drop the file itself."));
  }
}

// <button data-preview="/api/jobs/1" data-name="walls.xlsx" data-options="{…}"> makes a new preview of a job's file; with
// data-mapping="saved" or "once" the columns are those of the job, by a profile that is remembered or not.
async function previewAgain(button) {
  button.disabled = true;
  const { preview, name, options, mapping } = button.dataset;
  try {
    if (mapping) {
      const { profile } = await call("GET", `${preview}/columns`);
      const started = await call("POST", `${preview}/mapping`, JSON.stringify({ ...profile, save: mapping === "saved" }));
      location.href = `/jobs/${started.job_id}`;
      return;
    }
    const response = await request(`${preview}/file`);
    if (!response.ok) throw new Error(gettext("The file has been deleted. Upload it again."));
    await take([new File([await response.blob()], name)], JSON.parse(options));
  } catch (error) {
    showError(document, error);
  }
  button.disabled = false;
}

form?.elements.file.addEventListener("change", (event) => {
  take([...event.target.files], chosenOptions());
  event.target.value = "";
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-preview]");
  if (button) previewAgain(button);
});
if (project) {
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    if (!hasFiles(event)) return;
    event.preventDefault();
    take([...event.dataTransfer.files], chosenOptions());
  });
}
