// Lists of scanned pieces that are on their way to the server. They are kept in the browser until the server has them, and
// each is sent with a key of its own, so that one that is sent twice counts once.
import { newIdempotencyKey } from "./api.js";
import { gettext, language } from "./languages.js";

const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;

// Local time with its offset from UTC, as in 2026-10-12T07:31:00+02:00.
export function localTime(moment) {
  const minutes = -moment.getTimezoneOffset();
  const two = (number) => String(Math.trunc(Math.abs(number))).padStart(2, "0");
  const local = new Date(moment.getTime() + minutes * 60000).toISOString().slice(0, 19);
  return `${local}${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
}

export class Store {
  constructor(name) {
    this.name = name;
    const { list = [], outbox = [] } = JSON.parse(localStorage.getItem(name) ?? "{}");
    this.list = list;
    this.outbox = outbox;
  }

  save() {
    localStorage.setItem(this.name, JSON.stringify({ list: this.list, outbox: this.outbox }));
  }

  // Moves the pieces from the list to the outbox, as the file that is sent; `column` is Status or Stage.
  pack(pieces, column, value, label) {
    const lines = pieces.map(({ code, at }) => [code, value, at].map(quoted).join(","));
    const csv = [`Piece,${column},Date`, ...lines, ""].join("\r\n");
    this.outbox.push({ key: newIdempotencyKey(), csv, label, count: pieces.length, job: null, problem: "" });
    this.list = this.list.filter((each) => !pieces.includes(each));
    this.save();
  }
}

// Sends a list; returns "sent", "offline" (try again later), "signed-out", or the reason why the server refuses it.
export async function deliver(batch, project) {
  const body = new FormData();
  body.append("file", new File([batch.csv], "scanned.csv", { type: "text/csv" }));
  let response;
  try {
    response = await fetch(`/api/project/${project}/jobs?job_type=piece_status_import`, {
      method: "POST", body, headers: { "Idempotency-Key": batch.key, "Precast-Language": language },
    });
  } catch {
    return "offline";
  }
  if (response.status === 401) return "signed-out";
  if (response.status === 408 || response.status === 429 || response.status >= 500) return "offline";
  const content = await response.json().catch(() => null);
  if (!content) return "offline";
  if (!response.ok) return content.message ?? gettext("The server answered with status %(status)s. Try again.", { status: response.status });
  batch.job = content.job_id;
  return "sent";
}
