// Uploads files that are dropped on any page of a project, or chosen: each becomes a dry run, whose page is opened.
const project = document.body.dataset.project;
const form = document.getElementById("import");
const PANEL = "uploads";
const SAME_MS = 3000;
// Job types by file name; any other name means element types.
const BY_NAME = [
  [/hierarch/i, "hierarchy_import"],
  [/stage/i, "stage_import"],
  [/drawing.?type/i, "drawing_type_import"],
  [/^bom|product/i, "bom_product_import"],
];

function panel() {
  const existing = document.getElementById(PANEL);
  if (existing) return existing;
  const created = Object.assign(document.createElement("ul"), { id: PANEL, className: "cards dropped" });
  created.setAttribute("aria-live", "polite");
  document.body.append(created);
  return created;
}

function card(name, about) {
  const line = Object.assign(document.createElement("li"), { className: "card" });
  const title = Object.assign(document.createElement("div"), { className: "title", textContent: name });
  const status = Object.assign(document.createElement("div"), { className: "meta", textContent: about });
  const progress = Object.assign(document.createElement("progress"), { max: 1 });
  progress.setAttribute("aria-label", `Sending ${name}`);
  line.append(title, progress, status);
  panel().prepend(line);
  return { status, progress };
}

function kindOf(name) {
  const chosen = form?.elements.job_type.value || document.body.dataset.drop;
  return chosen || BY_NAME.find(([pattern]) => pattern.test(name))?.[1] || "element_type_import";
}

function send(file, isOnly) {
  const kind = kindOf(file.name);
  const query = new URLSearchParams({ job_type: kind, dry_run: "true" });
  if (form?.elements.abort.checked) query.set("on_error", "abort");
  if (form?.elements.create_missing?.checked && kind === "element_type_import") query.set("create_missing", "true");
  const shown = card(file.name, "Sending …");
  const body = new FormData();
  body.append("file", file);
  const request = new XMLHttpRequest();
  request.open("POST", `/api/project/${project}/jobs?${query}`);
  // The same file sent twice within a few seconds, for example by a double click, becomes one job.
  const same = [query, file.size, file.lastModified, Math.floor(Date.now() / SAME_MS)].join("-").replace(/[^\w-]/g, "");
  request.setRequestHeader("Idempotency-Key", `${file.name.length}-${same}`);
  request.upload.addEventListener("progress", (event) => { shown.progress.value = event.loaded / event.total; });
  request.addEventListener("load", () => {
    let response = {};
    try { response = JSON.parse(request.responseText); } catch { /* a proxy's own page */ }
    if (request.status >= 300) { fail(shown, response.message ?? `The server answered ${request.status}. Try again.`); return; }
    if (isOnly) { location.href = `/jobs/${response.job_id}`; return; }
    shown.progress.remove();
    const link = Object.assign(document.createElement("a"), { href: `/jobs/${response.job_id}`, textContent: `Show what ${file.name} would change` });
    shown.status.replaceChildren(link);
  });
  request.addEventListener("error", () => fail(shown, "The server can't be reached. Check the connection and drop the file again."));
  request.send(body);
}

function fail(shown, message) {
  shown.progress.remove();
  shown.status.className = "note bad";
  shown.status.setAttribute("role", "alert");
  shown.status.textContent = message;
}

// If the bytes can't be read, it is a folder, or the file was moved or deleted.
async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function take(files) {
  for (const file of files) {
    if (await readable(file)) send(file, files.length === 1);
    else fail(card(file.name, ""), "This can't be read. It is a folder, or the file was moved or deleted. Drop the file itself.");
  }
}

form?.elements.file.addEventListener("change", (event) => {
  const files = [...event.target.files];
  take(files);
  event.target.value = "";
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
    take([...event.dataTransfer.files]);
  });
}
