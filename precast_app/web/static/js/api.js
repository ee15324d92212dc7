// Calls the API with the session cookie of the page. An error response is thrown with its message and its reasons.

// Returns the `errors` of a response as pairs of field and text, however deeply they are nested.
function reasons(errors, field = "") {
  if (typeof errors === "string") return [[field, errors]];
  if (Array.isArray(errors)) return errors.flatMap((each) => reasons(each, field));
  return Object.entries(errors).flatMap(([name, each]) => reasons(each, name));
}

export async function call(method, path, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  let response;
  try {
    response = await fetch(path, { method, body, headers });
  } catch {
    throw new Error("The server can't be reached. Check the connection and try again.");
  }
  if (response.status === 204) return null;
  const content = (response.headers.get("Content-Type") ?? "").includes("json") ? await response.json() : null;
  if (response.ok) return content;
  const error = new Error(content?.message ?? `The server answered with status ${response.status}. Try again.`);
  error.reasons = reasons(content?.errors ?? {});
  throw error;
}
