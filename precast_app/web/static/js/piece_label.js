// The button that makes the label of one piece.
import { call } from "./api.js";
import { el } from "./dom.js";
import { showError } from "./feedback.js";
import { waitForJob } from "./job_polling.js";
import { gettext } from "./languages.js";

const button = document.querySelector("[data-label]");

button?.addEventListener("click", async () => {
  button.disabled = true;
  try {
    const body = JSON.stringify({ filter: { ids: [Number(button.dataset.label)] } });
    const { job_id: id } = await call("POST", button.dataset.address, body);
    const job = await waitForJob(id);
    if (job.status === "failed") throw new Error(job.error);
    const link = el("a", { class: "button", href: `/api/jobs/${id}/output` }, gettext("Download the label"));
    button.replaceWith(link);
    link.focus();
  } catch (error) {
    button.disabled = false;
    showError(document, error);
  }
});
