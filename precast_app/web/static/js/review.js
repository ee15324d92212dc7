// The choices of a preview: the changes that are left out, what happens to element types that the file lacks and to
// probable renames. They are kept while the user turns pages and filters, and sent with "Import now".
import { call } from "./api.js";
import { showError } from "./feedback.js";
import { formatNumber, gettext } from "./languages.js";

const PAGE = 1000;
const section = document.querySelector("[data-review]");

// A change is named by the row of the file, an element type that the file lacks by its id: `row:12`, `id:7`.
const keyOf = ({ row, element_type_id: id }) => (row ? `row:${row}` : `id:${id}`);

function begin() {
  const { review: job, version } = section.dataset;
  const filter = Object.fromEntries(Object.entries(JSON.parse(section.dataset.filter)).filter(([, value]) => value));
  const stored = `review-${job}-${version}`;
  const saved = JSON.parse(sessionStorage.getItem(stored) ?? "{}");
  const choice = { missing: "keep", renames: "accept", ...saved, leftOut: new Set(saved.leftOut) };
  const button = document.querySelector('button[data-call$="/apply"]');
  const summary = document.getElementById("review-summary");
  const all = section.querySelector("[data-all]");
  const boxes = [...section.querySelectorAll("input[name=import]")];

  function show() {
    const left = [...choice.leftOut];
    const rows = left.filter((key) => key.startsWith("row:"));
    const removes = choice.missing === "remove";
    const kept = removes ? left.filter((key) => key.startsWith("id:")) : [];
    for (const box of boxes) {
      const isMissing = box.value.startsWith("id:");
      box.disabled = isMissing && !removes;
      box.checked = !box.disabled && !choice.leftOut.has(box.value);
      box.closest("tr").classList.toggle("left-out", !box.checked && !box.disabled);
    }
    for (const radio of section.querySelectorAll("input[type=radio]")) radio.checked = choice[radio.name] === radio.value;
    const usable = boxes.filter((box) => !box.disabled);
    all.disabled = !usable.length;
    all.checked = usable.length > 0 && usable.every((box) => box.checked);
    all.indeterminate = !all.checked && usable.some((box) => box.checked);
    const possible = Number(section.dataset.changes) + (removes ? Number(section.dataset.missing) : 0);
    const chosen = possible - rows.length - kept.length;
    summary.textContent = chosen < possible ? gettext("%(number)s of %(total)s changes are chosen.", { number: formatNumber(chosen), total: formatNumber(possible) }) : "";
    button.disabled = chosen <= 0;
    button.dataset.body = JSON.stringify({
      leave_out: [...rows, ...kept].map((key) => ({ [key.startsWith("row:") ? "row" : "element_type_id"]: Number(key.split(":")[1]) })),
      missing: choice.missing, renames: choice.renames,
    });
    if (removes) button.dataset.confirm = gettext("Import, and remove the element types that are not in the file? Those with pieces in production stay. Undo brings the others back.");
    else delete button.dataset.confirm;
    sessionStorage.setItem(stored, JSON.stringify({ ...choice, leftOut: left }));
  }

  function set(keys, isWanted) {
    for (const key of keys) if (isWanted) choice.leftOut.delete(key); else choice.leftOut.add(key);
  }

  // All changes of the filter, also those on other pages.
  async function keysOfFilter() {
    const keys = [];
    for (let after = null; ;) {
      const query = new URLSearchParams({ limit: PAGE, ...filter, ...(after ? { after } : {}) });
      const { changes } = await call("GET", `/api/jobs/${job}/changes?${query}`);
      keys.push(...changes.filter(({ change }) => change !== "unchanged").map(keyOf));
      if (changes.length < PAGE || changes.at(-1).change === "unchanged") return keys;
      after = changes.at(-1).id;
    }
  }

  section.addEventListener("change", async ({ target }) => {
    if (target.type === "radio") choice[target.name] = target.value;
    else if (target !== all) set([target.value], target.checked);
    else {
      const isWanted = all.checked;
      all.disabled = true;
      try {
        set((await keysOfFilter()).filter((key) => choice.missing === "remove" || key.startsWith("row:")), isWanted);
      } catch (error) {
        showError(document, error);
      }
      all.disabled = false;
    }
    show();
    if (target === all) all.focus();
  });
  // The page comes with all choices disabled, so that none is made before it can be kept.
  for (const each of section.querySelectorAll("fieldset")) each.disabled = false;
  show();
}

if (section) begin();
