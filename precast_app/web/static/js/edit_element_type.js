// The form that changes an element type: it sends the changed fields and follows the job that changes them.
import { call } from "./api.js";
import { clearErrors, showError, toastAfterReload } from "./feedback.js";
import { waitForJob } from "./job_polling.js";
import { gettext } from "./languages.js";

const form = document.getElementById("edit-element-type");
const progress = form.querySelector("[data-progress]");
const isChanged = (field) => (field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);

// Returns the changed fields; `quantities.12` becomes { quantities: { 12: … } }.
function changes() {
  const found = {};
  for (const field of form.elements) {
    if (!field.name || !isChanged(field)) continue;
    const [name, item] = field.name.split(".");
    const value = field.type === "checkbox" ? field.checked : field.value.trim() || null;
    if (item) (found[name] ??= {})[item] = value;
    else found[name] = name === "name" ? value ?? "" : value;
  }
  return found;
}

// Marks the fields that the server has refused, and opens what they are in.
function markRefused(errors) {
  for (const field of form.elements) {
    if (!field.name) continue;
    const [name, item] = field.name.split(".");
    const message = (item ? errors[name]?.[item] : errors[name])?.[0];
    field.setCustomValidity("");
    if (message) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    if (message) field.closest("details")?.setAttribute("open", "");
  }
  form.querySelector("[aria-invalid]")?.focus();
}

async function save() {
  const body = changes();
  if (!Object.keys(body).length) { location.href = form.dataset.page; return; }
  const { job_id: id } = await call("PATCH", form.dataset.address, JSON.stringify(body));
  progress.textContent = gettext("Saving …");
  progress.hidden = false;
  const job = await waitForJob(id);
  progress.hidden = true;
  if (job.status === "failed") throw new Error(job.error);
  toastAfterReload(`${job.result}.`);
  window.removeEventListener("beforeunload", warn);
  location.href = form.dataset.page;
}

function warn(event) {
  if (Object.keys(changes()).length) event.preventDefault();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button.main");
  button.disabled = true;
  clearErrors(form);
  try {
    await save();
  } catch (error) {
    showError(form, error);
    markRefused(error.errors?.json ?? {});
  }
  button.disabled = false;
});
window.addEventListener("beforeunload", warn);
