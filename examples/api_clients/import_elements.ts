// Imports a file of element types with openapi-fetch and the types that openapi-typescript has generated into `api.ts`.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

const { PRECAST_URL = "", PRECAST_TOKEN, PRECAST_PROJECT, PRECAST_FILE = "" } = process.env;
const projectId = Number(PRECAST_PROJECT);

// Errors have one of two forms. A client that does not ask for `application/problem+json` gets the first one.
const client = createClient<paths, "application/json">({
  baseUrl: PRECAST_URL,
  headers: { Authorization: `Bearer ${PRECAST_TOKEN}` },
});

/** Return the job when it has completed or failed. */
async function waitFor(jobId: number): Promise<components["schemas"]["Job"]> {
  for (;;) {
    const { data, error, response } = await client.GET("/api/jobs/{job_id}", { params: { path: { job_id: jobId } } });
    if (data && (data.job.status === "completed" || data.job.status === "failed")) {
      return data.job;
    }
    if (error && response.status !== 429 && response.status !== 503) {
      throw new Error(error.message);
    }
    const seconds = Number(response.headers.get("Retry-After") ?? 2);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

const form = new FormData();
form.append("file", new Blob([await readFile(PRECAST_FILE)]), basename(PRECAST_FILE));

const { data: accepted, error } = await client.POST("/api/project/{project_id}/import/excel", {
  params: { path: { project_id: projectId }, header: { "Idempotency-Key": crypto.randomUUID() } },
  // OpenAPI says of a file only that it is a string of bytes, so the form is given as it is.
  body: { file: "" },
  bodySerializer: () => form,
});
if (!accepted) {
  throw new Error(error.message);
}

const job = await waitFor(accepted.job_id);
console.log(job.result ?? job.error);

const issues = await client.GET("/api/jobs/{job_id}/issues", {
  params: { path: { job_id: job.id }, query: { severity: "error" } },
});
for (const issue of issues.data?.issues ?? []) {
  console.log(`${issue.cell}: ${issue.message}`);
}
