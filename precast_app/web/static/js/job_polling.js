// Polling of a job until it has ended.
import { call } from "./api.js";

const FIRST_MS = 200;
const LONGEST_MS = 2000;
const SLOWER = 1.4;

// Returns the job as soon as it has ended; `onProgress` is called with the job whenever it was read.
export async function waitForJob(jobId, onProgress = () => {}) {
  for (let pause = FIRST_MS; ; pause = Math.min(pause * SLOWER, LONGEST_MS)) {
    const { job } = await call("GET", `/api/jobs/${jobId}`);
    onProgress(job);
    if (job.status === "completed" || job.status === "failed") return job;
    await new Promise((resolve) => { setTimeout(resolve, pause); });
  }
}
