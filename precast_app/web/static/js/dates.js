// Dates where the user is.

// Today's date where the user is, as YYYY-MM-DD.
export function today() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((each) => String(each).padStart(2, "0")).join("-");
}
