// Drop or choose files: each is sent as a dry run, whose page shows what it would do.
const form = document.getElementById("import");
const uploads = document.getElementById("uploads");

function card(name) {
  const line = document.createElement("li");
  line.className = "card";
  const title = document.createElement("div");
  title.className = "title";
  title.textContent = name;
  const told = document.createElement("div");
  told.className = "meta";
  const progress = document.createElement("progress");
  progress.max = 1;
  progress.setAttribute("aria-label", `Sending ${name}`);
  line.append(title, progress, told);
  uploads.prepend(line);
  return { title, told, progress, line };
}

function address() {
  const query = new URLSearchParams({ job_type: form.elements.job_type.value, dry_run: "true" });
  if (form.elements.abort.checked) query.set("on_error", "abort");
  if (form.elements.create_missing?.checked) query.set("create_missing", "true");
  return `/api/project/${form.dataset.project}/jobs?${query}`;
}

function send(file, isOnly) {
  const shown = card(file.name);
  const body = new FormData();
  body.append("file", file);
  const request = new XMLHttpRequest();
  request.open("POST", address());
  // The same file sent twice in a moment, by a double click say, is one job.
  request.setRequestHeader("Idempotency-Key", `${file.name.length}-${file.size}-${file.lastModified}-${Math.floor(Date.now() / 3000)}`);
  request.upload.addEventListener("progress", (event) => { shown.progress.value = event.loaded / event.total; });
  request.addEventListener("load", () => {
    shown.progress.remove();
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* a proxy's own page */ }
    if (request.status < 300) {
      if (isOnly) { location.href = `/jobs/${answer.job_id}`; return; }
      const link = document.createElement("a");
      link.href = `/jobs/${answer.job_id}`;
      link.textContent = "See what it would do";
      shown.told.replaceChildren(link);
    } else fail(shown, answer.message ?? `The server answered ${request.status}. Try again.`);
  });
  request.addEventListener("error", () => fail(shown, "The server can't be reached. Check the connection and drop the file again."));
  request.send(body);
}

function fail(shown, message) {
  shown.progress.remove();
  shown.told.className = "note bad";
  shown.told.textContent = message;
}

if (form) {
  const zone = form.querySelector(".drop");
  const take = (files) => [...files].forEach((file) => send(file, files.length === 1));
  form.elements.file.addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = "";
  });
  document.addEventListener("dragover", (event) => { event.preventDefault(); zone.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) zone.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take(event.dataTransfer.files);
  });
}
