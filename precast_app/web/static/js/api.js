// Calls the API with the cookie of the page; what it refuses is thrown with its message.
export async function call(method, path, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  let answer;
  try {
    answer = await fetch(path, { method, body, headers });
  } catch {
    throw new Error("The server can't be reached. Check the connection and try again.");
  }
  const told = (answer.headers.get("Content-Type") ?? "").includes("json") ? await answer.json() : null;
  if (!answer.ok) throw new Error(told?.message ?? `The server answered ${answer.status}. Try again.`);
  return told;
}
