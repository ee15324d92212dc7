// Signing in again on the open page, so that what the user has typed or chosen is kept.
import { gettext } from "./languages.js";

let question = null;

// Resolves to true when the user has signed in again, to false if they decline. Callers at the same time share one dialog.
export function signInAgain() {
  question ??= ask().finally(() => { question = null; });
  return question;
}

function field(form, label, options) {
  const line = Object.assign(document.createElement("label"), { textContent: `${label} ` });
  const input = Object.assign(document.createElement("input"), { required: true, ...options });
  line.append(input);
  form.append(line);
  return input;
}

function ask() {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "session-ended");
  const title = Object.assign(document.createElement("h2"), { id: "session-ended", textContent: gettext("Your session has ended") });
  const hint = Object.assign(document.createElement("p"), { textContent: gettext("Sign in to continue. What you have entered on this page is kept.") });
  const problem = Object.assign(document.createElement("p"), { className: "note bad", hidden: true });
  problem.setAttribute("role", "alert");
  const form = Object.assign(document.createElement("form"), { method: "dialog", className: "narrow" });
  const name = field(form, gettext("Name"), { autocomplete: "username", maxLength: 100, value: document.body.dataset.user });
  const password = field(form, gettext("Password"), { type: "password", autocomplete: "current-password", maxLength: 1000 });
  const actions = Object.assign(document.createElement("div"), { className: "actions" });
  const decline = Object.assign(document.createElement("button"), { type: "button", textContent: gettext("Not now") });
  const submit = Object.assign(document.createElement("button"), { textContent: gettext("Sign in"), className: "main" });
  actions.append(decline, submit);
  form.append(actions);
  dialog.append(title, hint, problem, form);
  document.body.append(dialog);
  dialog.showModal();
  password.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    decline.addEventListener("click", () => dialog.close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      const refusal = await signIn(name.value, password.value);
      submit.disabled = false;
      // The page of one user must not stay open for another one.
      if (!refusal && name.value.toLowerCase() !== document.body.dataset.user.toLowerCase()) location.reload();
      else if (!refusal) dialog.close("yes");
      problem.textContent = refusal;
      problem.hidden = !refusal;
    });
  });
}

// Returns why the sign-in was refused; an empty text if it succeeded.
async function signIn(name, password) {
  try {
    const response = await fetch("/login", { method: "POST", body: new URLSearchParams({ name, password }), redirect: "manual" });
    // Only a successful sign-in redirects.
    if (response.type === "opaqueredirect") return "";
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return page.querySelector("[role=alert]")?.textContent ?? gettext("The server answered with status %(status)s. Try again.", { status: response.status });
  } catch {
    return gettext("The server can't be reached. Check the connection and try again.");
  }
}
