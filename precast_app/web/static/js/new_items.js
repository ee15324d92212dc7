// The part of a preview that lists what the project lacks: names to correct and boxes to leave something out. Both change the
// import profile of the job; "Update preview" makes a new preview with it. What is left out stays in the list.
import { call } from "./api.js";
import { el } from "./dom.js";
import { clearErrors, showError } from "./feedback.js";
import { gettext, ngettext } from "./languages.js";
import { setRule } from "./profile.js";

const FIELDS = { place: gettext("place"), tower: gettext("tower"), floor: gettext("floor") };
const section = document.getElementById("new-items");

// The column of the profile that names an item; one that the profile doesn't know yet is added to it.
function columnOf(item, { columns }) {
  const isSame = (each) => each.heading === item.heading && each.sub_heading === item.sub_heading;
  const known = columns.find((each) => (item.left_out ? each.target === null && isSame(each) : each.target?.[item.kind] === item.name));
  if (known || !item.left_out) return known;
  columns.push({ heading: item.heading, sub_heading: item.sub_heading, column: item.column, target: null });
  return columns.at(-1);
}

// A name that can be corrected: of an item that a heading names, or of a value of a place column.
function itemLine(item, profile, mayCreate) {
  const column = columnOf(item, profile);
  return {
    key: `item ${item.kind} ${item.name}`, label: item.name, where: item.where, kind: item.kind, isWanted: !item.left_out,
    apply: (name, isWanted) => { if (column) column.target = isWanted ? { [item.kind]: name } : null; }, mayCreate,
  };
}

function placeLines(item, mayCreate) {
  return Object.entries(item.parts).filter(([, text]) => text).map(([field, text]) => ({
    key: `place ${field} ${text}`, label: text, where: "", letter: item.letters[field], rows: item.rows, kind: "node", mayCreate, rule: [field, text],
  }));
}

function linesOf(described, mayCreate) {
  const { profile } = described;
  const found = new Map();
  for (const item of described.new_items) {
    const lines = item.parts ? placeLines(item, mayCreate) : [itemLine(item, profile, mayCreate)];
    for (const line of lines) {
      if (line.rule) {
        const [field, text] = line.rule;
        const replacement = profile.values[field]?.[text] ?? text;
        line.isWanted = replacement !== "";
        line.value = replacement || text;
        line.apply = (name, isWanted) => setRule(profile, field, text, isWanted ? name === text ? null : name : "");
      }
      const known = found.get(line.key);
      // A tower is named by the rows of all its floors.
      if (known?.rule) known.rows += line.rows;
      else found.set(line.key, line);
    }
  }
  for (const line of found.values()) if (line.rule) line.where = placeOf(line);
  return [...found.values()].sort(compare);
}

// Columns in the order of the file, then places: towers before floors, each by name.
function compare(one, other) {
  if (!one.rule || !other.rule) return Boolean(one.rule) - Boolean(other.rule);
  const order = Object.keys(FIELDS);
  const byField = order.indexOf(one.rule[0]) - order.indexOf(other.rule[0]);
  return byField || one.label.localeCompare(other.label, undefined, { numeric: true });
}

function placeOf({ rule: [field], letter, rows }) {
  const column = letter ? gettext("column %(letter)s", { letter }) : "";
  return [FIELDS[field] ?? field, column, ngettext("%(num)s row", "%(num)s rows", rows)].filter(Boolean).join(", ");
}

function rowOf(line, changed) {
  const name = el("input", { value: line.value ?? line.label, maxlength: "150", required: true, "aria-label": gettext("Name of %(name)s", { name: line.label }), on: { input: changed } });
  name.disabled = !line.isWanted;
  const box = el("input", { type: "checkbox", checked: line.isWanted, "aria-label": gettext("Create %(name)s", { name: line.label }), on: { change: () => {
    name.disabled = !box.checked;
    changed();
  } } });
  line.read = () => line.apply(name.value.trim() || line.label, box.checked);
  if (!line.mayCreate) return el("tr", {}, el("th", { scope: "row" }, line.label), el("td", {}, line.where));
  return el("tr", {}, el("td", {}, box), el("td", {}, name), el("td", {}, line.where));
}

function show(described) {
  const mayCreate = Boolean(section.dataset.create);
  const lines = linesOf(described, mayCreate);
  if (!lines.length) return;
  const update = el("button", { type: "button", on: { click: () => again(update, lines, described.profile) } }, gettext("Update preview"));
  const pending = el("p", { class: "note warn", role: "status", hidden: true }, gettext("Update the preview first, so that the import has these corrections."), " ", update);
  const importNow = document.querySelector('button[data-call$="/apply"]');
  const changed = () => {
    pending.hidden = false;
    if (importNow) importNow.disabled = true;
  };
  const headings = mayCreate ? [gettext("Create"), gettext("Name"), gettext("Named by")] : [gettext("Name"), gettext("Named by")];
  const kinds = JSON.parse(section.dataset.kinds).filter(({ kind }) => lines.some((line) => line.kind === kind));
  const tables = kinds.map(({ kind, items: title }) => el("div", {},
    el("h3", {}, title), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, el("table", { class: "new-items" },
      el("thead", {}, el("tr", {}, ...headings.map((text) => el("th", { scope: "col" }, text)))),
      el("tbody", {}, ...lines.filter((line) => line.kind === kind).map((line) => rowOf(line, changed)))))));
  const text = mayCreate
    ? gettext("The import creates what is ticked. Correct the names here, and untick what should be left out with its pieces or values.")
    : gettext("The file names these, but the project does not have them, so they are left out. Ask a manager of the project to import the file.");
  section.append(el("h2", {}, gettext("New in this project")), el("p", { class: "hint" }, text), el("div", { class: "columns" }, ...tables), pending);
  section.hidden = false;
}

async function again(button, lines, profile) {
  button.disabled = true;
  clearErrors(document);
  for (const line of lines) line.read();
  const body = { ...profile, save: Boolean(section.dataset.saved), dry_run: true, create_missing: true };
  try {
    const { job_id } = await call("POST", `/api/jobs/${section.dataset.job}/mapping`, JSON.stringify(body));
    location.href = `/jobs/${job_id}`;
  } catch (error) {
    button.disabled = false;
    showError(document, error);
  }
}

if (section) call("GET", `/api/jobs/${section.dataset.job}/columns`).then(show, (error) => showError(document, error));
