// Buttons and forms that call the API.
import { call } from "./api.js";
import { confirmAction, clearErrors, focusAfterReload, showError, toastAfterReload, toast } from "./feedback.js";
import { gettext } from "./languages.js";
import { renew } from "./live.js";

// <button data-call="POST /api/…" data-body="{…}" data-confirm="Really?" data-success-message="Done." data-then="/where/{job_id}">
export async function runAction(button) {
  const { body, then } = button.dataset;
  if (button.dataset.confirm && !(await confirmAction(button.dataset.confirm))) return;
  const [method, path] = button.dataset.call.split(" ");
  button.disabled = true;
  try {
    const response = await call(method, path, body);
    toastAfterReload(button.dataset.successMessage);
    if (then) location.href = filledIn(then, response);
    else location.reload();
  } catch (error) {
    button.disabled = false;
    showError(button.closest("section") ?? document, error);
  }
}

// Returns the address with fields of the response in place of {job_id} or {project.id}.
function filledIn(address, response) {
  return address.replace(/\{([\w.]+)\}/g, (_, path) => encodeURIComponent(path.split(".").reduce((value, name) => value?.[name], response)));
}

function fields(form) {
  const found = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled) continue;
    // Checked boxes with `data-list` and the same name are a list of their values.
    if (field.dataset.list !== undefined) found[field.name] = [...(found[field.name] ?? []), ...(field.checked ? [field.value] : [])];
    else if (field.type === "checkbox") found[field.name] = field.checked;
    else if (field.value !== "") found[field.name] = field.dataset.number === undefined ? field.value : Number(field.value);
    else if (field.dataset.blank === "null") found[field.name] = null;
  }
  return found;
}

// <form method="dialog" data-api="POST /api/…" data-success-message="Added."> sends its fields as JSON. A field with the
// name of a {part} of the URL is inserted there instead. If the form has an <output data-field="…">, it shows that field
// of the response, and the element that data-renew selects is reloaded; with data-then that page is opened. The method is
// "dialog" so that a browser sends nothing by itself: if the form were submitted before this script runs, a password would
// end up in the URL.
export async function send(form) {
  const [method, path] = form.dataset.api.split(" ");
  const body = fields(form);
  const address = path.replace(/\{(\w+)\}/g, (_, name) => {
    const part = encodeURIComponent(body[name] ?? "");
    delete body[name];
    return part;
  });
  const output = form.querySelector("output");
  const button = form.querySelector("button");
  clearErrors(form);
  button.disabled = true;
  try {
    const response = await call(method, address, JSON.stringify(body));
    if (output) {
      output.textContent = response[output.dataset.field];
      output.closest("[hidden]").hidden = false;
      if (form.dataset.renew) await reloadSection(form.dataset.renew);
    } else if (form.dataset.then) {
      toastAfterReload(form.dataset.successMessage);
      location.href = filledIn(form.dataset.then, response);
      return;
    } else {
      toastAfterReload(form.dataset.successMessage);
      focusAfterReload(form);
      location.reload();
      return;
    }
  } catch (error) {
    showError(form, error);
  }
  button.disabled = false;
}

async function reloadSection(selector) {
  const response = await fetch(location.href);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  renew(document.querySelector(selector), page.querySelector(selector).innerHTML);
}

export function copy(button) {
  const shown = document.querySelector(button.dataset.copy);
  // Browsers offer the clipboard only over https and on localhost.
  if (navigator.clipboard) navigator.clipboard.writeText(shown.textContent).then(() => toast(gettext("Copied.")));
  else {
    getSelection().selectAllChildren(shown);
    toast(gettext("The text is selected. Copy it with Ctrl+C or ⌘C."));
  }
}
