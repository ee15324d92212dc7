// Calls the API with the session cookie of the page. An error response is thrown with its message and its reasons.
import { gettext, language } from "./languages.js";
import { signInAgain } from "./session.js";

// Returns the `errors` of a response as pairs of field and text, however deeply they are nested.
function reasons(errors, field = "") {
  if (typeof errors === "string") return [[field, errors]];
  if (Array.isArray(errors)) return errors.flatMap((each) => reasons(each, field));
  return Object.entries(errors).flatMap(([name, each]) => reasons(each, name));
}

// Like `fetch`; if the session has ended, the user can sign in again, and then the request is repeated.
export async function request(path, options) {
  for (;;) {
    let response;
    try {
      response = await fetch(path, { ...options, headers: { "Precast-Language": language, ...options?.headers } });
    } catch {
      throw new Error(gettext("The server can't be reached. Check the connection and try again."));
    }
    if (response.status !== 401) return response;
    if (!(await signInAgain())) throw new Error(gettext("Your session has ended, so nothing was sent. Try again to sign in."));
  }
}

export async function call(method, path, body, headers = {}) {
  const given = body ? { "Content-Type": "application/json", ...headers } : headers;
  const response = await request(path, { method, body, headers: given });
  if (response.status === 204) return null;
  const content = (response.headers.get("Content-Type") ?? "").includes("json") ? await response.json() : null;
  if (response.ok) return content;
  const error = new Error(content?.message ?? gettext("The server answered with status %(status)s. Try again.", { status: response.status }));
  error.status = response.status;
  error.errors = content?.errors ?? {};
  error.reasons = reasons(error.errors);
  throw error;
}

// A key by which the server recognizes a request that is sent again; randomUUID exists only over https and on localhost.
export function newIdempotencyKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}
