// An import profile as the page about columns changes it. A draft has an entry in `columns` for each column of the file,
// in the file's order, and then those of the profile that the file lacks.
export const BASE_UNITS = { height: "mm", length: "mm", thickness: "mm", width: "mm", mass: "kg", volume: "m³", area: "m²" };
const LEAST_CONFIDENCE = 0.5;

const keyOf = (column) => JSON.stringify([column.heading, column.sub_heading]);

// Returns the draft for a description of the file: each column of the file with what the profile says about it, or, if it
// says nothing, with the surest guess. With `keepAbsent` it keeps columns of the profile that the file lacks.
export function draftOf(described, { keepAbsent }) {
  const known = new Map();
  for (const column of described.profile.columns) {
    const key = keyOf(column);
    known.set(key, [...(known.get(key) ?? []), column]);
  }
  const columns = described.columns.map((column) => {
    const said = (known.get(keyOf(column)) ?? []).shift();
    const { target, unit } = said ?? suggestion(column);
    return {
      heading: column.heading, sub_heading: column.sub_heading, column: column.letter,
      target, unit, decimal: said?.decimal ?? null, blank: said?.blank ?? null,
    };
  });
  const absent = keepAbsent ? [...known.values()].flat().filter((column) => column.target !== null) : [];
  const draft = { ...described.profile, columns: [...columns, ...absent] };
  // Two columns can't have the same meaning; the first one keeps it.
  const used = new Set();
  for (const column of draft.columns) {
    const target = JSON.stringify(column.target);
    if (column.target !== null && used.has(target)) column.target = column.unit = null;
    used.add(target);
  }
  return draft;
}

// What a column without an entry in the profile most probably is.
function suggestion(column) {
  const [best] = column.proposals;
  return best && best.confidence >= LEAST_CONFIDENCE ? best : { target: null, unit: null };
}

// Gives a column a target; takes it from the column that had it, which is returned.
export function retarget(draft, column, target, unit) {
  const previous = target === null ? undefined
    : draft.columns.find((each) => each !== column && JSON.stringify(each.target) === JSON.stringify(target));
  if (previous) previous.target = previous.unit = null;
  column.target = target;
  column.unit = unit;
  return previous;
}

// Whether the server has described the file as this draft reads it.
export function isDescribed(draft, described) {
  return described.columns.every(({ target, unit }, position) => {
    const column = draft.columns[position];
    return JSON.stringify(column.target) === JSON.stringify(target) && column.unit === unit;
  });
}

export function hasTarget(draft, name) {
  return draft.columns.some((column) => column.target === name);
}

// Chooses the rows with the headings. What was said about columns belongs to the headings before, so it is dropped: the
// server proposes it again.
export function setHeadings(draft, sheet, rows) {
  const columns = [{ heading: "", target: null }];
  Object.assign(draft, { sheet, header_rows: rows, skip_rows: [], first_data_row: null, columns });
}

// Skips a row below the headings, or reads it.
export function setSkipped(draft, number, isSkipped) {
  if (draft.header_rows.at(-1) === number) draft.header_rows = [draft.header_rows[0]];
  const position = number - draft.header_rows.at(-1);
  draft.skip_rows = draft.skip_rows.filter((each) => each !== position);
  if (isSkipped) draft.skip_rows = [...draft.skip_rows, position].sort((one, other) => one - other);
}

export function roleOf(draft, number) {
  const [first, second] = draft.header_rows;
  if (number === first) return "headings";
  if (number === second) return "sub-headings";
  if (number < first) return "above";
  if (draft.skip_rows.includes(number - draft.header_rows.at(-1))) return "skipped";
  return draft.first_data_row && number < draft.first_data_row ? "skipped" : "data";
}

// Replaces a value of a kind by another, an empty text reads it as a blank cell; null removes the rule.
export function setRule(draft, kind, from, to) {
  const rules = { ...draft.values[kind] };
  if (to === null) delete rules[from];
  else rules[from] = to;
  draft.values = { ...draft.values, [kind]: rules };
  if (!Object.keys(rules).length) delete draft.values[kind];
}
