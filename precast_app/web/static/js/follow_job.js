// Waits for the end of a job.
import { call } from "./api.js";

const FIRST_MS = 200;
const LONGEST_MS = 2000;
const SLOWER = 1.4;

// Returns the job as soon as it has ended; `onProgress` is called with the job whenever it was read.
export async function untilEnded(jobId, onProgress = () => {}) {
  for (let pause = FIRST_MS; ; pause = Math.min(pause * SLOWER, LONGEST_MS)) {
    const { job } = await call("GET", `/api/jobs/${jobId}`);
    onProgress(job);
    if (job.status === "completed" || job.status === "failed") return job;
    await new Promise((resolve) => { setTimeout(resolve, pause); });
  }
}

// A key by which the server recognizes a request that is sent again; randomUUID exists only over https and on localhost.
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}

// Today's date where the user is, as YYYY-MM-DD.
export function today() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((each) => String(each).padStart(2, "0")).join("-");
}
