// Calls the API with the cookie of the page; what it refuses is thrown with its message and the reasons that it lists.
// What the errors of an answer say: pairs of field and text, however deep.
function reasons(errors, field = "") {
  if (typeof errors === "string") return [[field, errors]];
  if (Array.isArray(errors)) return errors.flatMap((each) => reasons(each, field));
  return Object.entries(errors).flatMap(([name, each]) => reasons(each, name));
}

export async function call(method, path, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  let answer;
  try {
    answer = await fetch(path, { method, body, headers });
  } catch {
    throw new Error("The server can't be reached. Check the connection and try again.");
  }
  if (answer.status === 204) return null;
  const told = (answer.headers.get("Content-Type") ?? "").includes("json") ? await answer.json() : null;
  if (answer.ok) return told;
  const error = new Error(told?.message ?? `The server answered ${answer.status}. Try again.`);
  error.reasons = reasons(told?.errors ?? {});
  throw error;
}
