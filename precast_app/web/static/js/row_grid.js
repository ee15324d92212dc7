// A table of rows whose cells are edited as in a spreadsheet: arrows, Enter, Tab, Delete, typing, and a block pasted from one.
import { el } from "./dom.js";
import { gettext } from "./languages.js";

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const CHECK_AFTER_MS = 250;

// The rows of a block that was copied in a spreadsheet program; cells with line breaks are quoted there.
export function parseBlock(text) {
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const line = rows.at(-1);
    const sign = text[at];
    if (quoted) {
      if (sign !== '"') line[line.length - 1] += sign;
      else if (text[at + 1] === '"') { line[line.length - 1] += sign; at += 1; }
      else quoted = false;
    } else if (sign === '"' && line.at(-1) === "") quoted = true;
    else if (sign === "\t") line.push("");
    else if (sign === "\n") rows.push([""]);
    else if (sign !== "\r") line[line.length - 1] += sign;
  }
  if (rows.length > 1 && rows.at(-1).length === 1 && rows.at(-1)[0] === "") rows.pop();
  return rows;
}

export class RowGrid {
  // `change(changes)` gets a list of { row, column, value }, `check(row, column, value)` resolves to the message of a cell
  // that is being typed, `undo()` reverts the last change. `extend(count)` resolves when the table has so many rows, or all
  // that there are; `leftOut(count)` says that so many cells of a pasted block lie beyond the table.
  constructor(table, { change, check, undo, extend, leftOut }) {
    Object.assign(this, { table, change, check, undo, extend, leftOut, rows: [], columns: [] });
    table.addEventListener("keydown", (event) => this.press(event));
    table.addEventListener("click", ({ target }) => this.open(target.closest("td")));
    table.addEventListener("mousedown", ({ target }) => { this.pressed = target.closest("td"); });
    // Pressing the button has closed another cell of the row, and drawn the row again: then there is no click.
    table.addEventListener("mouseup", ({ target }) => {
      const cell = target.closest("td");
      if (cell && this.pressed && !this.pressed.isConnected && this.current(this.pressed) === cell) this.open(cell);
    });
    table.addEventListener("paste", (event) => this.paste(event));
    table.addEventListener("copy", (event) => this.copy(event));
  }

  show(rows, columns) {
    Object.assign(this, { rows, columns });
    const head = el("tr", { role: "row" }, el("th", { scope: "col", class: "number", role: "columnheader" }, gettext("Row")),
      ...columns.map(({ column, heading }) => el("th", { scope: "col", role: "columnheader" }, heading, " ", el("span", { class: "hint" }, column))));
    this.lines = new Map(rows.map((row) => [row.row, el("tr", { role: "row" })]));
    this.table.replaceChildren(el("thead", { role: "rowgroup" }, head), el("tbody", { role: "rowgroup" }, ...this.lines.values()));
    for (const row of rows) this.render(row);
    this.table.querySelector("td.wrong, td")?.setAttribute("tabindex", "0");
  }

  // Draws a row again; the focus stays on its cell, and a cell that is being edited stays open.
  render(row) {
    const line = this.lines.get(row.row);
    const focused = document.activeElement?.closest("td");
    const position = focused && line.contains(focused) && !focused.querySelector("input") ? focused.cellIndex : 0;
    const whole = row.issues.filter((issue) => issue.column === null).map(({ message }) => el("span", { class: "why" }, message));
    line.className = row.issues.length ? "" : "right";
    const cells = [el("th", { scope: "row", class: "number", role: "rowheader", "data-label": gettext("Row") }, String(row.row), ...whole),
      ...this.columns.map(({ column, heading }) => this.cell(row, column, heading))];
    const before = [...line.cells];
    // One by one: a field loses what is typed next if it is taken out, even for a moment.
    for (const [at, cell] of cells.entries()) {
      const open = before[at]?.dataset.closing ? null : before[at]?.querySelector("input");
      if (!before[at]) line.append(cell);
      else if (!open) before[at].replaceWith(cell);
      else if (open.value === (row.cells[cell.dataset.column] ?? "")) before[at].querySelector(".why").textContent = this.message(row, cell.dataset.column);
    }
    if (position) this.focus(line.cells[position]);
  }

  cell(row, column, heading) {
    const text = row.cells[column] ?? "";
    const messages = row.issues.filter((issue) => issue.column === column).map(({ message }) => el("span", { class: "why" }, message));
    const before = row.file[column] ?? "";
    const was = text !== before && before ? el("span", { class: "was" }, before) : null;
    const style = [messages.length ? "wrong" : "", text !== before ? "changed" : ""].join(" ").trim();
    return el("td", { tabindex: "-1", role: "gridcell", "data-label": heading, class: style || null, "aria-invalid": messages.length ? "true" : null, "data-row": String(row.row), "data-column": column }, el("span", {}, text), was, ...messages);
  }

  // Resolves when no cell is being typed in.
  async closed() {
    while (this.isEditing()) await new Promise((resolve) => { setTimeout(resolve, 100); });
  }

  isEditing() { return this.table.querySelector("td input") !== null; }

  // Draws the table by `draw`; the focus stays on its cell if that is still there.
  keepFocus(draw) {
    const cell = document.activeElement?.closest("td");
    const focused = cell && this.table.contains(cell) ? cell : null;
    draw();
    if (focused) this.focus(this.current(focused));
  }

  locate(cell) {
    return { row: this.rows.find(({ row }) => String(row) === cell.dataset.row), column: cell.dataset.column };
  }

  focus(cell) {
    if (!cell) return false;
    for (const each of this.table.querySelectorAll('td[tabindex="0"]')) each.tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
    return true;
  }

  // The cell that lies so many rows and columns away; null beyond the edge.
  neighbour(cell, down, right) {
    const line = [...this.lines.keys()].indexOf(Number(cell.dataset.row)) + down;
    const found = this.columns.findIndex(({ column }) => column === cell.dataset.column) + right;
    return this.lines.get(this.rows[line]?.row)?.cells[found < 0 ? -1 : found + 1] ?? null;
  }

  press(event) {
    const cell = event.target.closest("td");
    if (!cell) return;
    const input = event.target.closest("input");
    const { key } = event;
    // Keys of the page, such as n for the next page, are texts here.
    event.stopPropagation();
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z" && !input) { event.preventDefault(); this.undo(); }
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (key === "Tab") this.tab(event, cell);
    else if (input) this.pressInInput(event, cell);
    else if (key in MOVES) { event.preventDefault(); this.focus(this.neighbour(cell, ...MOVES[key])); }
    else if (key === "Enter" || key === "F2") { event.preventDefault(); this.edit(cell); }
    else if (key === "Delete" || key === "Backspace") { event.preventDefault(); this.write([{ ...this.locate(cell), value: "" }]); }
    else if (key.length === 1) { event.preventDefault(); this.edit(cell, key); }
  }

  pressInInput(event, cell) {
    if (event.key === "Enter") {
      event.preventDefault();
      const next = this.neighbour(cell, event.shiftKey ? -1 : 1, 0);
      this.close(cell, true);
      this.focus(next ? this.current(next) : this.current(cell));
    } else if (event.key === "Escape") { event.preventDefault(); this.close(cell, false); this.focus(this.current(cell)); }
  }

  // Tab goes on to the next cell, and out of the table after the last one.
  tab(event, cell) {
    const step = event.shiftKey ? -1 : 1;
    const edge = event.shiftKey ? this.columns.length - 1 : 1 - this.columns.length;
    const next = this.neighbour(cell, 0, step) ?? this.neighbour(cell, step, edge);
    if (cell.querySelector("input")) this.close(cell, true);
    if (next) { event.preventDefault(); this.focus(this.current(next)); }
  }

  // Rows are drawn again when they change, so a cell is looked up by its position.
  current(cell) {
    return this.table.querySelector(`td[data-row="${cell.dataset.row}"][data-column="${cell.dataset.column}"]`);
  }

  message(row, column) { return row.issues.find((issue) => issue.column === column)?.message ?? ""; }

  open(cell) { if (cell && !cell.querySelector("input")) this.edit(cell); }

  edit(cell, typed = null) {
    const { row, column } = this.locate(cell);
    const { heading } = this.columns.find((each) => each.column === column);
    const why = el("span", { class: "why", role: "status" });
    const input = el("input", { "aria-label": gettext("%(heading)s, row %(row)s", { heading, row: row.row }), maxlength: "32767", on: { input: () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.checkTyped(row, column, input, why), CHECK_AFTER_MS);
    }, blur: () => this.close(cell, true) } });
    input.value = typed ?? row.cells[column] ?? "";
    why.textContent = this.message(row, column);
    cell.replaceChildren(input, why);
    input.focus();
    if (typed === null) input.select();
  }

  // Shows the message of what is typed, unless it has been changed when the response comes.
  async checkTyped(row, column, input, why) {
    const { value } = input;
    const message = await this.check(row, column, value);
    if (input.value === value) why.textContent = message;
  }

  close(cell, keep) {
    const input = cell.querySelector("input");
    if (!input || cell.dataset.closing) return;
    cell.dataset.closing = "yes";
    clearTimeout(this.timer);
    const { row, column } = this.locate(cell);
    const value = input.value.trim();
    if (keep && value !== (row.cells[column] ?? "")) this.change([{ row, column, value }]);
    else this.render(row);
  }

  write(cells) {
    const changes = cells.map((each) => ({ ...each, value: each.value.trim() })).filter(({ row, column, value }) => value !== (row.cells[column] ?? ""));
    if (changes.length) this.change(changes);
  }

  async paste(event) {
    const cell = event.target.closest("td");
    const text = event.clipboardData.getData("text/plain");
    // A single text is pasted into the field that is open.
    if (!cell || (event.target.closest("input") && !/[\t\n]/.test(text.trimEnd()))) return;
    event.preventDefault();
    if (cell.querySelector("input")) this.close(cell, false);
    this.focus(this.current(cell));
    const block = parseBlock(text);
    const top = this.rows.indexOf(this.locate(cell).row);
    if (top + block.length > this.rows.length) await this.extend(top + block.length);
    const left = this.columns.findIndex(({ column }) => column === cell.dataset.column);
    const cells = block.flatMap((line, down) => line.map((value, right) => ({
      row: this.rows[top + down], column: this.columns[left + right]?.column, value,
    })));
    const inside = cells.filter(({ row, column }) => row && column);
    this.write(inside);
    if (inside.length < cells.length) this.leftOut(cells.length - inside.length);
  }

  copy(event) {
    const cell = event.target.closest?.("td");
    if (!cell || event.target.closest("input") || !getSelection().isCollapsed) return;
    const { row, column } = this.locate(cell);
    event.clipboardData.setData("text/plain", row.cells[column] ?? "");
    event.preventDefault();
  }
}
