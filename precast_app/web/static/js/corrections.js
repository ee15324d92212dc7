// The corrections of a job on an open page. They are saved a moment after each change, as the whole set and only if nobody
// has changed them meanwhile; what others have changed is merged.
import { call } from "./api.js";
import { gettext } from "./languages.js";

const SAVE_AFTER_MS = 500;
const MOST_TRIES = 6;

export const cellKey = (row, column) => `${column}${row}`;
export const ruleKey = (column, from) => `${column} ${from}`;
const textOf = (entry) => entry?.value ?? entry?.to ?? null;

export class Corrections {
  // `notify` is called with the text of the state, `merged` after others' changes were merged, with the conflicts.
  constructor(job, { notify, merged }) {
    this.path = `/api/jobs/${job}/corrections`;
    this.notify = notify;
    this.merged = merged;
    this.entries = new Map();
    this.saved = new Map();
    this.version = this.checked = 0;
  }

  async load() {
    this.saved = this.read(await call("GET", this.path));
    this.entries = new Map(this.saved);
  }

  // Takes the version, and that of the preview, of a response and returns its corrections by key.
  read({ version, checked_version, cells, rules }) {
    this.version = version;
    this.checked = checked_version;
    return new Map([
      ...cells.map(({ row, column, value, changed_by }) => [cellKey(row, column), { row, column, value, by: changed_by }]),
      ...rules.map(({ column, from, to, changed_by }) => [ruleKey(column, from), { column, from, to, by: changed_by }]),
    ]);
  }

  get rules() { return [...this.entries.values()].filter((each) => each.from !== undefined); }

  get cells() { return [...this.entries.values()].filter((each) => each.row !== undefined); }

  // Sets or, with null, removes a correction, and saves a moment later.
  set(key, entry) {
    if (entry === null) this.entries.delete(key);
    else this.entries.set(key, entry);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save().catch((error) => this.notify(error.message, true)), SAVE_AFTER_MS);
  }

  isSaved() {
    return this.entries.size === this.saved.size && [...this.entries].every(([key, entry]) => textOf(entry) === textOf(this.saved.get(key)));
  }

  // Saves now; callers at the same time wait for the same save.
  save() {
    clearTimeout(this.timer);
    this.saving ??= this.send().finally(() => { this.saving = null; });
    return this.saving;
  }

  async send() {
    for (let tries = 0; tries < MOST_TRIES && !this.isSaved(); tries += 1) {
      this.notify(gettext("Saving …"));
      const sent = new Map(this.entries);
      const body = JSON.stringify({
        cells: this.cells.map(({ row, column, value }) => ({ row, column, value })),
        rules: this.rules.map(({ column, from, to }) => ({ column, from, to })),
      });
      try {
        this.version = (await call("PUT", this.path, body, { "If-Match": `"${this.version}"` })).version;
        this.saved = sent;
      } catch (error) {
        if (error.status !== 412) throw error;
        await this.merge();
      }
    }
    if (!this.isSaved()) throw new Error(gettext("Others are correcting this file at the same moment. Wait a little, then change a cell again."));
    this.notify(gettext("Saved."));
  }

  // Takes over what others have changed since; where both have changed the same, theirs is kept and mine is reported.
  async merge() {
    const theirs = this.read(await call("GET", this.path));
    const conflicts = [];
    for (const key of new Set([...this.saved.keys(), ...theirs.keys()])) {
      const [before, now, mine] = [this.saved, theirs, this.entries].map((each) => textOf(each.get(key)));
      if (now === before || now === mine) continue;
      if (mine !== before) conflicts.push({ key, mine: this.entries.get(key) ?? null, theirs: theirs.get(key) ?? null });
      if (theirs.has(key)) this.entries.set(key, theirs.get(key));
      else this.entries.delete(key);
    }
    this.saved = theirs;
    this.merged(conflicts);
  }
}
