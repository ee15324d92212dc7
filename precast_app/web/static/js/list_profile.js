// The form that says which headings an office's lists of pieces have: it makes an import profile.
import { call } from "./api.js";
import { showError } from "./feedback.js";

const form = document.getElementById("list-profile");
const FIELDS = ["piece", "status", "stage", "date", "note"];
const WORD = "word-";

const written = (name) => form.elements[name].value.trim();

function profile() {
  const words = {};
  for (const { name, value } of form.querySelectorAll(`[name^="${WORD}"]`)) {
    for (const word of value.split(",").map((each) => each.trim()).filter(Boolean)) words[word] = name.slice(WORD.length);
  }
  return {
    name: written("name"),
    shape: "piece_status",
    columns: FIELDS.filter(written).map((field) => ({ heading: written(field), target: field })),
    values: Object.keys(words).length ? { status: words } : {},
  };
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await call("POST", `/api/project/${document.body.dataset.project}/import-profiles`, JSON.stringify(profile()));
    location.reload();
  } catch (error) {
    showError(form, error);
  }
});
