// The table of the page about columns: the file's first rows, above each column what it means, beside each row what it is.
import { el, select } from "./dom.js";
import { gettext } from "./languages.js";
import { BASE_UNITS, retarget, roleOf, setHeadings, setSkipped } from "./profile.js";

const GROUPS = [["base", gettext("Element type")], ["place", gettext("Place and number of pieces")]];
const ACTIONS = {
  headings: gettext("These are the headings"), "sub-headings": gettext("These are sub-headings"), skipped: gettext("Skip this row"),
  data: gettext("Read this row"),
};
const ROLES = {
  headings: gettext("headings"), "sub-headings": gettext("headings, row 2"), skipped: gettext("skip"), data: gettext("data"),
};
export const UNITS = { m2: "m²", m3: "m³", mm2: "mm²", cm2: "cm²", in2: "in²", ft2: "ft²", cm3: "cm³", in3: "in³", ft3: "ft³", yd3: "yd³" };
export const BLANKS = [
  ["clear", gettext("no value")], ["keep", gettext("keep the stored value")], ["above", gettext("as in the row above")],
];
export const SIGNS = [[".", gettext("point: 1250.5")], [",", gettext("comma: 1250,5")]];

// The words of the targets that every project has, as the server names them in English.
const LABELS = {
  element_type: gettext("Element Type"), name: gettext("Element Type Name"), height: gettext("Height"), length: gettext("Length"),
  thickness: gettext("Thickness"), mass: gettext("Mass"), volume: gettext("Volume"), area: gettext("Area"), width: gettext("Width"),
  version: gettext("Version"), place: gettext("Place"), tower: gettext("Tower"), floor: gettext("Floor"), count: gettext("Number of pieces"),
};

const json = (target) => JSON.stringify(target);
const headingOf = (column) => [column.heading, column.sub_heading].filter(Boolean).join(" ");

// The targets that make sense for rows of this shape.
function isPossible(target, shape) {
  if (target === "count") return shape === "element_type_and_node";
  return shape !== "element_type" || !["place", "tower", "floor"].includes(target);
}

function targetOptions(page, column, entry) {
  const known = page.described.targets.filter(({ target }) => isPossible(target, page.draft.shape) || json(target) === json(entry.target));
  const labels = new Map(known.map(({ target, label }) => [json(target), LABELS[target] ?? label]));
  const suggested = column.proposals.filter(({ target }) => target !== null && labels.has(json(target)));
  const name = headingOf(column);
  const kinds = page.kinds.map(({ kind, meaning }) => [kind, meaning]);
  const isNew = (kind) => name && page.mayCreate && !labels.has(json({ [kind]: name }));
  const options = [
    ["null", gettext("– not imported –")],
    { label: gettext("Suggested"), options: suggested.map(({ target }) => [json(target), labels.get(json(target))]) },
    ...[...GROUPS, ...kinds].map(([kind, label]) => ({ label, options: known.filter((each) => each.kind === kind).map((each) => [json(each.target), labels.get(json(each.target))]) })),
    { label: gettext("Not in the project yet"), options: kinds.filter(([kind]) => isNew(kind)).map(([kind, label]) => [json({ [kind]: name }), `${label}: ${name}`]) },
  ];
  if (entry.target !== null && !labels.has(json(entry.target))) options.push([json(entry.target), Object.values(entry.target)[0]]);
  return options;
}

function unitOptions(page, target) {
  const units = page.described.targets.find((each) => json(each.target) === json(target))?.units ?? [];
  return units.length ? [["", gettext("%(unit)s, if not said", { unit: BASE_UNITS[target] })], ...units.map((unit) => [unit, unit === "cell" ? gettext("in each cell") : UNITS[unit] ?? unit])] : [];
}

// The part above a column. It is replaced when the target changes; `update` renews its texts after each answer.
function columnHead(page, position) {
  const column = page.described.columns[position];
  const entry = page.draft.columns[position];
  const name = headingOf(column) || gettext("column %(letter)s", { letter: column.letter });
  const target = select({ id: `target-${position}`, "aria-label": gettext("Meaning of %(name)s", { name }), "aria-describedby": `why-${position}`, on: { change: () => {
    const chosen = JSON.parse(target.value);
    const guess = column.proposals.find((each) => json(each.target) === target.value);
    const taken = retarget(page.draft, entry, chosen, guess?.unit ?? null);
    if (taken) page.announce(gettext("%(taken)s is not imported now, because %(name)s has its meaning.", { taken: headingOf(taken) || taken.column, name }));
    page.changed({ rebuild: true });
  } } }, targetOptions(page, column, entry), json(entry.target));
  const units = unitOptions(page, entry.target);
  const unit = units.length ? select({ id: `unit-${position}`, "aria-label": gettext("Unit of %(name)s", { name }), on: { change: () => {
    entry.unit = unit.value || null;
    page.changed();
  } } }, units, entry.unit ?? "") : null;
  const blank = select({ id: `blank-${position}`, "aria-label": gettext("Blank cells of %(name)s", { name }), on: { change: () => {
    entry.blank = blank.value || null;
    page.changed();
  } } }, [["", gettext("as for the whole file")], ...BLANKS], entry.blank ?? "");
  const more = entry.target === null ? null : el("details", { open: Boolean(entry.blank) }, el("summary", { "aria-label": gettext("Blank cells of %(name)s", { name }) }, gettext("Blank cells")), blank);
  return el("th", { scope: "col", class: entry.target === null ? "ignored" : null },
    el("span", { class: "letter" }, column.letter), el("span", { class: "narrow-only" }, headingOf(column)), target, unit,
    el("span", { class: "hint samples", id: `read-${position}` }), el("span", { class: "hint why", id: `why-${position}` }), more);
}

// What a row can be, as pairs of role and label.
function possibleRoles(draft, number) {
  const role = roleOf(draft, number);
  const [first] = draft.header_rows;
  const last = draft.header_rows.at(-1);
  const possible = Object.entries(ROLES).filter(([each]) => each === role || each === "headings" || number > first && (each !== "sub-headings" || number === first + 1 || number === last + 1));
  return role === "above" ? [["above", gettext("not read")], ...possible] : possible;
}

function setRole(page, number, role) {
  const { draft } = page;
  if (role === "headings") setHeadings(draft, draft.sheet, [number]);
  else if (role === "sub-headings") setHeadings(draft, draft.sheet, [draft.header_rows[0], number]);
  else setSkipped(draft, number, role === "skipped");
  // New headings mean new columns, which only the server knows.
  page.changed({ rebuild: draft.columns.length > 1 });
}

function rowHead(page, number) {
  const role = roleOf(page.draft, number);
  const choice = select({ id: `row-${number}`, "aria-label": gettext("Row %(number)s", { number }), on: { change: () => setRole(page, number, choice.value) } },
    possibleRoles(page.draft, number), role);
  return el("th", { scope: "row" }, el("span", { class: "letter" }, String(number)), choice);
}

// Shows what a clicked row can be, as buttons beside the pointer. A click elsewhere or Escape closes them.
function askRole(page, number, event) {
  document.getElementById("row-roles")?.remove();
  const role = roleOf(page.draft, number);
  const close = () => { menu.remove(); document.removeEventListener("pointerdown", leave); document.removeEventListener("keydown", escape); };
  const leave = ({ target }) => { if (!menu.contains(target)) close(); };
  const escape = ({ key }) => { if (key === "Escape") close(); };
  const buttons = possibleRoles(page.draft, number).filter(([each]) => each !== role && each !== "above").map(([each]) => el("button", { type: "button", on: { click: () => {
    close();
    setRole(page, number, each);
  } } }, ACTIONS[each]));
  const menu = el("div", { id: "row-roles", role: "group", "aria-label": gettext("Row %(number)s", { number }) }, el("strong", {}, gettext("Row %(number)s", { number })), ...buttons);
  document.getElementById("mapping").append(menu);
  menu.style.left = `${Math.max(8, Math.min(event.clientX, document.documentElement.clientWidth - menu.offsetWidth - 8))}px`;
  menu.style.top = `${Math.max(8, Math.min(event.clientY + 8, innerHeight - menu.offsetHeight - 8))}px`;
  document.addEventListener("pointerdown", leave);
  document.addEventListener("keydown", escape);
}

// Fills the table; returns a function that renews the texts above the columns.
export function buildTable(table, page) {
  const { described, draft } = page;
  const sheet = described.sheets.find(({ name }) => name === (draft.sheet ?? name)) ?? described.sheets[0];
  const head = el("tr", {}, el("th", { scope: "col", class: "corner" }, gettext("Row")), ...described.columns.map((_, position) => columnHead(page, position)));
  const choose = (number) => (event) => { if (!event.target.closest("select")) askRole(page, number, event); };
  const rows = sheet.rows.map(({ number, cells }) => el("tr", { class: roleOf(draft, number), on: { click: choose(number) } }, rowHead(page, number),
    ...described.columns.map((column, position) => el("td", { class: draft.columns[position].target === null ? "ignored" : null }, cells[column.index] ?? ""))));
  table.replaceChildren(el("thead", {}, head), el("tbody", {}, ...rows));
  return () => described.columns.forEach((_, position) => update(page, position));
}

function update(page, position) {
  const column = page.described.columns[position];
  const entry = page.draft.columns[position];
  const samples = document.getElementById(`read-${position}`);
  const why = document.getElementById(`why-${position}`);
  const guess = column.proposals.find((each) => json(each.target) === json(entry.target));
  samples.classList.toggle("bad", Boolean(column.problem));
  if (entry.target === null) samples.textContent = "";
  else if (column.problem) samples.textContent = column.problem;
  else {
    const values = column.read_as.filter((each) => each !== null && each !== "").join(", ") || gettext("blank");
    samples.textContent = gettext("Read as %(values)s", { values: [values, BASE_UNITS[entry.target]].filter(Boolean).join(" ") });
  }
  why.textContent = guess?.reason ?? "";
}
