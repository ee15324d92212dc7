// The page about the columns of a file: a draft of an import profile that the server describes after each change.
import { call } from "./api.js";
import { el, select } from "./dom.js";
import { clearErrors, showError, toast } from "./feedback.js";
import { formatNumber, gettext, ngettext } from "./languages.js";
import { BLANKS, SIGNS, buildTable } from "./mapping_table.js";
import { draftOf, hasTarget, isDescribed, setHeadings, setRule } from "./profile.js";

const PAUSE_MS = 300;
const CONSTANTS = {
  element_type: gettext("Element Type of all rows"), version: gettext("Version of all rows"), tower: gettext("Tower of all rows"),
  floor: gettext("Floor of all rows"),
};
const EXAMPLES = {
  element_type: gettext("for example WALL"), version: "VR-1", tower: gettext("for example Tower A"), floor: gettext("for example Floor 1"),
};
const ENCODINGS = ["utf-8", "windows-1250", "windows-1251", "windows-1252", "windows-1254", "iso-8859-2", "utf-16"];
const form = document.getElementById("mapping");
const path = `/api/jobs/${form.dataset.job}`;
const STORED = `mapping-${form.dataset.job}`;
const KINDS = JSON.parse(form.dataset.kinds);
const RULE_KINDS = {
  element_type: gettext("Element type"), version: gettext("Version"), place: gettext("Place"), tower: gettext("Tower"),
  floor: gettext("Floor"), ...Object.fromEntries(KINDS.map(({ kind, values }) => [kind, values])),
};
const byId = (id) => document.getElementById(id);

const page = {
  described: null,
  draft: null,
  known: [],
  kinds: KINDS,
  mayCreate: Boolean(form.dataset.create),
  updateTexts: () => {},
  announce: toast,
  changed,
};
let timer;
let latest = 0;
let pending = Promise.resolve();

// Called after each change of the draft; `rebuild` draws the controls again at once.
function changed({ rebuild = false } = {}) {
  sessionStorage.setItem(STORED, JSON.stringify(page.draft));
  if (rebuild) build();
  clearTimeout(timer);
  timer = setTimeout(describe, PAUSE_MS);
  byId("missing").setAttribute("aria-busy", "true");
}

function describe() {
  clearTimeout(timer);
  pending = ask();
  return pending;
}

async function ask() {
  const mine = ++latest;
  let described;
  clearErrors(document);
  try {
    described = await call("POST", `${path}/columns`, JSON.stringify(page.draft));
  } catch (error) {
    if (mine === latest) showProblem(error);
    return;
  }
  if (mine !== latest) return;
  const isSame = layoutOf(described) === layoutOf(page.described);
  page.described = described;
  if (!isSame || page.draft.columns.length < described.columns.length) adopt(described, false);
  else build();
}

// Takes the draft from a description. If it guesses more than the server has described, the server is asked again.
// What was typed before stays.
function adopt(described, keepAbsent) {
  const { constants = {}, values = {} } = keepAbsent ? {} : page.draft;
  page.draft = draftOf(described, { keepAbsent });
  page.draft.constants = { ...page.draft.constants, ...constants };
  for (const [kind, rules] of Object.entries(values)) page.draft.values[kind] = { ...page.draft.values[kind], ...rules };
  build();
  if (!isDescribed(page.draft, described)) changed();
}

// The columns and rows that the controls stand for.
function layoutOf({ profile, columns }) {
  return JSON.stringify([profile.sheet, profile.header_rows, columns.map(({ letter, heading, sub_heading }) => [letter, heading, sub_heading])]);
}

function showProblem(error) {
  showError(document, error);
  byId("missing").removeAttribute("aria-busy");
}

// Draws the controls again and keeps the focus, unless the user is choosing from a list or typing.
function build() {
  const active = document.activeElement;
  const isChoosing = form.contains(active) && active.matches("select, input") && active.id;
  const id = isChoosing ? active.id : "";
  const scroller = form.querySelector(".scroll");
  const { scrollLeft, scrollTop } = scroller;
  page.updateTexts = buildTable(form.querySelector("table.mapping"), page);
  page.updateTexts();
  byId("rows-shown").textContent = rowsShown();
  buildSheet();
  buildConstants();
  buildRules();
  buildDetails();
  showState();
  scroller.scrollLeft = scrollLeft;
  scroller.scrollTop = scrollTop;
  if (id && byId(id) && document.activeElement !== byId(id)) byId(id).focus({ preventScroll: true });
}

function rowsShown() {
  const { row_count: count } = page.described;
  const shown = form.querySelectorAll("table.mapping tr.data").length;
  return shown < count ? ngettext("The first of %(count)s rows is shown.", "The first %(num)s of %(count)s rows are shown.", shown, { count: formatNumber(count) }) : "";
}

function showState() {
  const { missing, messages, row_count, element_type_count, matched_profile } = page.described;
  for (const radio of form.elements.shape) radio.checked = radio.value === page.draft.shape;
  const rows = ngettext("%(num)s row", "%(num)s rows", row_count);
  const types = element_type_count === null ? "" : `, ${ngettext("%(num)s element type", "%(num)s element types", element_type_count)}`;
  const [first, ...others] = missing.length ? messages : [gettext("Nothing is missing: %(found)s.", { found: rows + types }), ...messages];
  const line = byId("missing");
  line.removeAttribute("aria-busy");
  line.className = missing.length ? "note warn" : "note good";
  if (line.textContent !== first) line.textContent = first;
  byId("messages").replaceChildren(...others.map((text) => el("li", {}, text)));
  byId("matched").hidden = !matched_profile;
  if (matched_profile) byId("matched").textContent = gettext("Read as “%(name)s”, which was remembered for files with these headings.", { name: matched_profile.name });
}

// What the API says about a remembered profile beside the profile itself.
function profileOf({ id, version, project_id, created_by, created_at, ...profile }) {
  return profile;
}

// Reads the file by a remembered profile.
async function useProfile(known) {
  latest += 1;
  clearTimeout(timer);
  clearErrors(document);
  try {
    page.described = await call("POST", `${path}/columns`, JSON.stringify(profileOf(known)));
    form.elements.profile_name.value = known.name;
    adopt(page.described, true);
    sessionStorage.setItem(STORED, JSON.stringify(page.draft));
  } catch (error) {
    showProblem(error);
  }
}

function buildSheet() {
  const { sheets, profile } = page.described;
  const choice = select({ id: "sheet-name", on: { change: () => {
    const [first] = sheets.find(({ name }) => name === choice.value).rows;
    setHeadings(page.draft, choice.value, [first?.number ?? 1]);
    changed();
  } } }, sheets.map(({ name, hidden }) => [name, hidden ? gettext("%(name)s (hidden)", { name }) : name]), page.draft.sheet ?? profile.sheet ?? sheets[0].name);
  const known = select({ id: "known-profile", on: { change: () => { if (known.value) useProfile(page.known[known.value]); } } },
    [["", gettext("a remembered list …")], ...page.known.map(({ name }, position) => [String(position), name])], "");
  byId("sheet").replaceChildren(
    ...(sheets.length > 1 ? [el("label", {}, gettext("Sheet"), choice)] : []),
    ...(page.known.length ? [el("label", {}, gettext("Read it as"), known)] : []),
  );
}

function buildConstants() {
  const { draft } = page;
  const possible = draft.shape === "element_type" || hasTarget(draft, "place") ? ["element_type", "version"] : Object.keys(CONSTANTS);
  const names = possible.filter((name) => !hasTarget(draft, name));
  for (const name of Object.keys(draft.constants)) if (!names.includes(name)) delete draft.constants[name];
  const lines = names.map((name) => {
    const input = el("input", { id: `constant-${name}`, maxlength: "150", value: draft.constants[name] ?? "", placeholder: EXAMPLES[name], on: { input: () => {
      if (input.value.trim()) draft.constants[name] = input.value;
      else delete draft.constants[name];
      changed();
    } } });
    return el("label", {}, CONSTANTS[name], input);
  });
  byId("constants-section").hidden = !lines.length;
  fill(byId("constants"), lines);
}

// Replaces the content, unless the user is typing in it.
function fill(place, content) {
  if (!place.contains(document.activeElement) || !document.activeElement.matches("input")) place.replaceChildren(...content);
}

function buildRules() {
  const { draft } = page;
  const rules = Object.entries(draft.values).flatMap(([kind, pairs]) => Object.entries(pairs).map(([from, to]) => [kind, from, to]));
  const rows = rules.map(([kind, from, to], position) => {
    const input = el("input", { id: `rule-${position}`, value: to, maxlength: "255", placeholder: gettext("blank"), "aria-label": gettext("%(value)s is read as", { value: from }), on: { change: () => {
      setRule(draft, kind, from, input.value.trim());
      changed({ rebuild: true });
    } } });
    const remove = el("button", { type: "button", class: "plain", on: { click: () => { setRule(draft, kind, from, null); changed({ rebuild: true }); byId("new-rule-from").focus(); } } },
      gettext("Remove"), el("span", { class: "hidden" }, ` ${gettext("the rule for %(value)s", { value: from })}`));
    return el("tr", {}, el("td", {}, RULE_KINDS[kind] ?? kind), el("td", {}, from), el("td", {}, input), el("td", {}, remove));
  });
  const kind = select({ id: "new-rule-kind", "aria-label": gettext("In") }, Object.entries(RULE_KINDS), "element_type");
  const from = el("input", { id: "new-rule-from", maxlength: "255", "aria-label": gettext("Value in the file"), placeholder: gettext("in the file") });
  const to = el("input", { id: "new-rule-to", maxlength: "255", "aria-label": gettext("Is read as"), placeholder: gettext("read as") });
  const add = el("button", { type: "button", on: { click: () => {
    if (!from.value.trim()) { from.focus(); return; }
    setRule(draft, kind.value, from.value.trim(), to.value.trim());
    from.value = "";
    from.focus();
    changed({ rebuild: true });
    byId("rules").replaceChildren();
    buildRules();
    byId("new-rule-from").focus();
  } } }, gettext("Add"));
  const table = rows.length ? el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": gettext("Replaced values") }, el("table", {}, el("thead", {}, el("tr", {},
    ...[gettext("In"), gettext("The file says"), gettext("Read as"), gettext("Remove")].map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, ...rows))) : el("p", { class: "hint" }, gettext("For example Wand in the file, read as WALL."));
  fill(byId("rules"), [table, el("div", { class: "rule" }, kind, from, to, add)]);
}

function buildDetails() {
  const { draft, described } = page;
  const field = (name, label, options) => {
    const choice = select({ id: `detail-${name}`, on: { change: () => { draft[name] = choice.value || null; changed(); } } }, options, draft[name] ?? "");
    return el("label", {}, label, choice);
  };
  const fields = [field("blank", gettext("A blank cell means"), BLANKS), field("decimal", gettext("Decimal sign of numbers that are text"), [["", gettext("as found")], ...SIGNS])];
  if (described.sheets.length === 1 && !described.profile.sheet) {
    fields.push(field("encoding", gettext("Encoding"), [["", gettext("as found")], ...ENCODINGS.map((name) => [name, name])]));
    fields.push(field("delimiter", gettext("Separator"), [["", gettext("as found")], [",", gettext("comma")], [";", gettext("semicolon")], ["\t", gettext("tab")], ["|", "|"]]));
  }
  byId("details").replaceChildren(...fields);
}

// Moves the focus to the control that can say what is missing.
function showMissing() {
  const [name] = page.described.missing;
  (byId(`constant-${name}`) ?? form.querySelector("table.mapping thead select")).focus();
  byId("missing").scrollIntoView({ block: "nearest" });
}

async function preview() {
  const button = form.querySelector("button[value=preview]");
  clearErrors(document);
  clearTimeout(timer);
  await pending;
  // What was typed last may not be described yet.
  if (page.described.missing.length) await describe();
  if (page.described.missing.length) { showMissing(); return; }
  button.disabled = true;
  const body = { ...page.draft, name: form.elements.profile_name.value, save: form.elements.save.checked, dry_run: true };
  if (page.mayCreate) body.create_missing = true;
  try {
    const started = await call(form.dataset.waiting ? "PUT" : "POST", `${path}/mapping`, JSON.stringify(body));
    location.href = `/jobs/${started.job_id}`;
  } catch (error) {
    button.disabled = false;
    showProblem(error);
  }
}

async function begin() {
  try {
    const stored = sessionStorage.getItem(STORED);
    let described = null;
    // What was chosen before, for example after "Back" in the browser.
    if (stored) described = await call("POST", `${path}/columns`, stored).catch(() => null);
    page.described = described ?? await call("GET", `${path}/columns`);
    const { import_profiles: remembered } = await call("GET", `/api/project/${document.body.dataset.project}/import-profiles?limit=100`);
    page.known = remembered.filter(({ shape }) => shape !== "piece_status");
  } catch (error) {
    byId("loading").hidden = true;
    showError(document, error);
    return;
  }
  byId("loading").hidden = true;
  form.hidden = false;
  form.elements.profile_name.value = page.described.profile.name;
  adopt(page.described, true);
}

form.addEventListener("submit", (event) => { event.preventDefault(); preview(); });
form.addEventListener("change", ({ target }) => {
  if (target.name === "shape") {
    page.draft.shape = target.value;
    changed({ rebuild: true });
  }
});
form.elements.profile_name.addEventListener("input", ({ target }) => {
  page.draft.name = target.value;
  sessionStorage.setItem(STORED, JSON.stringify(page.draft));
});
form.elements.save.addEventListener("change", ({ target }) => { form.elements.profile_name.disabled = !target.checked; });
begin();
