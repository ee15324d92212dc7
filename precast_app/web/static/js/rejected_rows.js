// The part of a job's page where its rejected rows are corrected: equal mistakes at once, other cells in a grid.
import { call } from "./api.js";
import { cellKey, Corrections, ruleKey } from "./corrections.js";
import { el } from "./dom.js";
import { clearErrors, showError, toast } from "./feedback.js";
import { formatNumber, formatTime, gettext, ngettext } from "./languages.js";
import { RowGrid } from "./row_grid.js";

const PAGE_ROWS = 200;
// The most rows that one request returns.
const MOST_ROWS = 1000;
// Rows that are checked by one request, and cells that are filled by one decision.
const CHECKED_ROWS = 400;
const section = document.getElementById("rejected-rows");
const job = section.dataset.job;
const isDryRun = Boolean(section.dataset.dryRun);

const shown = (text) => (text === "" ? gettext("blank") : text);

const status = el("p", { role: "status" });
const saveState = el("span", { class: "hint" });
const all = el("input", { type: "checkbox", on: { change: () => draw() } });
const undoButton = el("button", { type: "button", disabled: true, on: { click: () => undo() } }, gettext("Undo"));
const go = el("button", { type: "button", class: "main", on: { click: () => finish() } }, isDryRun ? gettext("Preview again") : gettext("Import these rows"));
const mistakeList = el("ul", { class: "mistakes", "aria-label": gettext("Equal mistakes") });
const ruleList = el("ul", { class: "mistakes", "aria-label": gettext("Replacements") });
const conflictBox = el("div", { class: "note warn conflicts", role: "alert", hidden: true });
// The roles hold on a phone, too, where the style makes cards of the rows.
const table = el("table", { class: "rows", role: "grid", "aria-label": gettext("Rejected rows") });
const scroll = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": gettext("Rejected rows") }, table);
const more = el("button", { type: "button", hidden: true, on: { click: () => loadMore() } }, gettext("Show more rows"));
const download = el("a", { href: `/api/jobs/${job}/file?corrected=true` }, gettext("Download the corrected file"));
const history = el("details", { on: { toggle: () => { if (history.open) showHistory(); } } }, el("summary", {}, gettext("Who corrected what")), el("ul", { class: "read" }));

let found = null;
let rows = [];
// The numbers of rows that could not be checked, because the server could not be reached.
const unchecked = new Set();
const steps = [];
const fail = (error) => showError(section, error);
const corrections = new Corrections(job, {
  notify: (text, isError) => { saveState.textContent = text; if (isError) fail(new Error(text)); },
  merged: (conflicts) => { showConflicts(conflicts); refresh().catch(fail); },
});
const grid = new RowGrid(table, { change, check, undo: () => undo(), extend: (count) => loadRows(count).catch(fail), leftOut });

async function read(after, limit = PAGE_ROWS) {
  const page = await call("GET", `/api/jobs/${job}/rejected-rows?limit=${Math.min(limit, MOST_ROWS)}&after=${after}`);
  for (const row of page.rows) row.file = { ...row.cells, ...row.original };
  return page;
}

// Reads the rows again. A cell that is being typed in stays open: the rows are drawn when it is closed and saved.
async function reload() {
  const page = await read(0, Math.max(PAGE_ROWS, rows.length));
  if (grid.isEditing()) {
    table.addEventListener("focusout", () => setTimeout(() => refresh().catch(fail)), { once: true });
    return;
  }
  const isFirst = !found;
  found = page;
  rows = page.rows;
  grid.keepFocus(draw);
  if (isFirst) showFirstMistake();
}

// On a narrow screen the first wrong cell may be beyond the edge of the grid.
function showFirstMistake() {
  const wrong = table.querySelector("td.wrong");
  if (wrong) scroll.scrollLeft = Math.max(0, wrong.offsetLeft + wrong.offsetWidth - scroll.clientWidth);
}

async function refresh() {
  if (!grid.isEditing()) await corrections.save();
  await reload();
}

const loadMore = () => loadRows(rows.length + PAGE_ROWS).catch(fail);

// Loads rows until the table has so many, or all that there are. They are drawn when no cell is being typed in.
async function loadRows(count) {
  while (rows.length < count) {
    const page = await read(rows.at(-1)?.row ?? 0, count - rows.length);
    const last = rows.at(-1)?.row ?? 0;
    if (!page.rows.length) break;
    // Rows may have been read again meanwhile.
    rows = [...rows, ...page.rows.filter(({ row }) => row > last)];
  }
  await grid.closed();
  grid.keepFocus(draw);
}

function leftOut(count) {
  const hint = all.checked ? "" : gettext("To paste whole rows, choose All columns first.");
  toast([ngettext("%(num)s cell of the block lies beyond the table and was left out.", "%(num)s cells of the block lie beyond the table and were left out.", count), hint].filter(Boolean).join(" "));
}

// The columns to show: the names, and those with mistakes; or all.
function columns() {
  if (all.checked) return found.columns;
  const wrong = new Set([...found.mistakes, ...rows.flatMap((row) => row.issues)].map(({ column }) => column));
  const listed = new Set(rows.map(({ row }) => row));
  for (const { row, column } of corrections.cells) if (listed.has(row)) wrong.add(column);
  return found.columns.filter(({ column }, position) => position < 2 || wrong.has(column));
}

function draw() {
  grid.show(rows, columns());
  more.hidden = rows.length >= found.count;
  scroll.hidden = !rows.length;
  const equal = found.mistakes.filter((each) => each.rows.length > 1);
  mistakeList.replaceChildren(...equal.map(mistakeLine));
  mistakeList.hidden = !equal.length;
  ruleList.replaceChildren(...corrections.rules.map(ruleLine));
  ruleList.hidden = !corrections.rules.length;
  tell();
}

function tell() {
  const open = found.open_count - rows.filter((row) => !row.issues.length).length;
  const isPart = found.rejected_count > found.count && !corrections.entries.size;
  const unlisted = isPart ? gettext("The first %(number)s of %(total)s rejected rows are listed; preview again to see others.", { number: formatNumber(found.count), total: formatNumber(found.rejected_count) }) : "";
  // An import of these rows with the corrections as they are now.
  const isImported = section.dataset.imported !== undefined && corrections.isSaved() && corrections.version === Number(section.dataset.imported);
  const isChecked = corrections.isSaved() && corrections.version === corrections.checked;
  if (!open && (!corrections.entries.size || (isDryRun && isChecked))) status.textContent = gettext("No row has mistakes.");
  else if (!open) status.textContent = isDryRun
    ? gettext("All rows are right now. Preview again to see what they change.")
    : isImported ? gettext("These rows have been imported with these corrections.") : gettext("All rows are right now and can be imported.");
  else status.textContent = [ngettext("%(num)s row still has mistakes.", "%(num)s rows still have mistakes.", open), unlisted].filter(Boolean).join(" ");
  // An import would be refused: it has to do what the preview has shown.
  const importNow = document.querySelector('button[data-call$="/apply"]');
  if (importNow) importNow.disabled = !isChecked;
  undoButton.disabled = !steps.length;
  go.disabled = isDryRun ? isChecked : !corrections.entries.size || isImported;
  download.hidden = history.hidden = !corrections.version && !corrections.entries.size;
}

const headingOf = (letter) => found.columns.find(({ column }) => column === letter)?.heading ?? letter;

function mistakeLine(mistake) {
  const value = el("input", { "aria-label": gettext("Instead of %(value)s in %(heading)s", { value: shown(mistake.value), heading: mistake.heading }), placeholder: gettext("blank") });
  value.value = mistake.suggestion ?? "";
  const form = el("form", { method: "dialog", on: { submit: (event) => { event.preventDefault(); decide(mistake, value.value.trim()); } } },
    "→", value, el("button", {}, mistake.value === ""
      ? ngettext("Fill in %(num)s cell", "Fill in %(num)s cells", mistake.rows.length)
      : ngettext("Replace in %(num)s cell", "Replace in %(num)s cells", mistake.rows.length)));
  return el("li", {}, el("span", {}, el("code", {}, shown(mistake.value)), ` ${ngettext("in %(num)s cell of", "in %(num)s cells of", mistake.rows.length)} `, el("strong", {}, mistake.heading)), form, el("span", { class: "why" }, mistake.message));
}

function ruleLine(rule) {
  const remember = el("button", { type: "button", on: { click: () => rememberRule(rule, remember) } }, gettext("Remember for the next files"));
  const remove = el("button", { type: "button", class: "plain", on: { click: () => decideRule(rule.column, rule.from, null) } }, gettext("Remove"));
  return el("li", {}, el("span", {}, el("code", {}, rule.from), " → ", el("code", {}, shown(rule.to)), ` ${gettext("in all cells of")} `, el("strong", {}, headingOf(rule.column))), el("span", { class: "hint" }, rule.by ? gettext("by %(user)s", { user: rule.by }) : ""), el("form", { method: "dialog" }, remember, remove));
}

// Sets corrections by key as one step that can be undone.
function apply(changes, isUndo = false) {
  const before = changes.map(({ key }) => ({ key, entry: corrections.entries.get(key) ?? null }));
  if (!isUndo) steps.push(before);
  for (const { key, entry } of changes) corrections.set(key, entry);
}

async function decide(mistake, value) {
  if (mistake.value !== "") return decideRule(mistake.column, mistake.value, value);
  apply(mistake.rows.map((row) => ({ key: cellKey(row, mistake.column), entry: { row, column: mistake.column, value } })));
  return saveAndReload();
}

async function decideRule(column, from, to) {
  apply([{ key: ruleKey(column, from), entry: to === null ? null : { column, from, to } }]);
  return saveAndReload();
}

async function saveAndReload() {
  clearErrors(section);
  try {
    await corrections.save();
    await reload();
  } catch (error) { fail(error); }
}

async function rememberRule({ column, from, to }, button) {
  button.disabled = true;
  try {
    const { name } = await call("POST", `/api/jobs/${job}/corrections/remember`, JSON.stringify({ rules: [{ column, from, to }] }));
    button.textContent = gettext("Remembered");
    toast(gettext("The import profile %(name)s replaces %(value)s by %(replacement)s from now on.", { name, value: from, replacement: shown(to) }));
  } catch (error) { button.disabled = false; fail(error); }
}

// What a cell says without a correction of its own.
function withoutCorrection(row, column) {
  const inFile = row.file[column] ?? "";
  return corrections.entries.get(ruleKey(column, inFile))?.to ?? inFile;
}

async function change(changes) {
  apply(changes.map(({ row, column, value }) => ({
    key: cellKey(row.row, column), entry: value === withoutCorrection(row, column) ? null : { row: row.row, column, value },
  })));
  for (const { row, column, value } of changes) row.cells[column] = value;
  await checkAgain(new Set(changes.map(({ row }) => row)));
}

// The columns of the corrected cells, by the number of their row.
function correctedColumns() {
  const columns = new Map();
  for (const { row, column } of corrections.cells) columns.set(row, [...(columns.get(row) ?? []), column]);
  return columns;
}

// The cells of a row that may not be saved yet.
function editedCells(row, own = correctedColumns().get(row.row) ?? []) {
  const differing = Object.keys({ ...row.cells, ...row.file }).filter((column) => (row.cells[column] ?? "") !== (row.file[column] ?? ""));
  return Object.fromEntries([...new Set([...own, ...differing, ...(row.touched ?? [])])].map((column) => [column, row.cells[column] ?? ""]));
}

async function checkAgain(changed) {
  clearErrors(section);
  const list = [...new Set([...changed, ...rows.filter(({ row }) => unchecked.has(row))])];
  // Responses can arrive in another order than the requests: only that of a row's last check is shown.
  const check = Symbol("check");
  for (const row of list) { unchecked.add(row.row); row.check = check; }
  const corrected = correctedColumns();
  const edited = (row) => editedCells(row, corrected.get(row.row) ?? []);
  for (const row of list) { row.touched = new Set([...(row.touched ?? []), ...Object.keys(edited(row))]); grid.render(row); }
  try {
    for (let at = 0; at < list.length; at += CHECKED_ROWS) {
      const part = list.slice(at, at + CHECKED_ROWS);
      const answer = await call("POST", `/api/jobs/${job}/check-rows`, JSON.stringify({ rows: part.map((row) => ({ row: row.row, cells: edited(row) })) }));
      const issues = new Map(answer.rows.map((each) => [each.row, each.issues]));
      // Rows may have been read again meanwhile; these are drawn as the server has them.
      const current = new Set(rows);
      for (const row of part.filter((each) => each.check === check && current.has(each))) {
        row.issues = issues.get(row.row) ?? [];
        unchecked.delete(row.row);
        grid.render(row);
      }
    }
  } catch (error) { fail(error); }
  tell();
}

// The message of a cell while it is typed; an empty text if it is right, or can't be checked: the check of the change says so.
async function check(row, column, value) {
  const cells = { ...editedCells(row), [column]: value.trim() };
  const request = call("POST", `/api/jobs/${job}/check-rows`, JSON.stringify({ rows: [{ row: row.row, cells }] }));
  const answer = await request.catch(() => ({ rows: [{ issues: [] }] }));
  return answer.rows[0].issues.find((issue) => issue.column === column)?.message ?? "";
}

async function undo() {
  const step = steps.pop();
  if (!step) return;
  apply(step, true);
  await saveAndReload();
}

function showConflicts(conflicts) {
  if (!conflicts.length) return;
  const [nothing, somebody] = [gettext("nothing"), gettext("someone else")];
  const lines = conflicts.map(({ key, mine, theirs }) => {
    const line = el("li", {}, gettext("%(cell)s: you wrote %(mine)s, %(user)s wrote %(theirs)s.", {
      cell: key, mine: shown(mine?.value ?? mine?.to ?? nothing), user: theirs?.by ?? somebody, theirs: shown(theirs?.value ?? theirs?.to ?? nothing),
    }), " ",
      el("button", { type: "button", on: { click: () => { apply([{ key, entry: mine }]); line.remove(); conflictBox.hidden = !conflictBox.querySelector("li"); saveAndReload(); } } }, gettext("Use mine")));
    return line;
  });
  conflictBox.replaceChildren(gettext("Someone else has corrected the same cells. Theirs are kept."), el("ul", {}, ...lines));
  conflictBox.hidden = false;
}

async function showHistory() {
  const { changes } = await call("GET", `/api/jobs/${job}/corrections/history?limit=200`);
  const line = ({ row, column, from, to, changed_by, changed_at }) => el("li", {}, row
    ? `${column}${row}: ${from === null ? "" : `${shown(from)} → `}${to === null ? gettext("as in the file") : shown(to)}`
    : to === null
      ? gettext("All %(value)s in %(heading)s: as in the file", { value: from, heading: headingOf(column) })
      : gettext("All %(value)s in %(heading)s → %(replacement)s", { value: from, heading: headingOf(column), replacement: shown(to) }), `, ${changed_by}, `, el("time", { datetime: changed_at }, formatTime(new Date(changed_at))));
  history.querySelector("ul").replaceChildren(...changes.map(line));
}

async function finish() {
  go.disabled = true;
  clearErrors(section);
  try {
    await corrections.save();
    const { job_id } = await call("POST", `/api/jobs/${job}/${isDryRun ? "revalidate" : "import-rejected"}`);
    if (isDryRun) location.reload();
    else location.href = `/jobs/${job_id}`;
  } catch (error) { go.disabled = false; fail(error); }
}

addEventListener("online", () => { if (unchecked.size) checkAgain([]); });
addEventListener("beforeunload", (event) => { if (!corrections.isSaved()) event.preventDefault(); });
section.append(mistakeList, ruleList, conflictBox, el("div", { class: "grid-bar" }, status, saveState, el("label", { class: "check" }, all, gettext("All columns")), undoButton, go), scroll, more, el("p", {}, download), history);
corrections.load().then(reload).catch(fail);
