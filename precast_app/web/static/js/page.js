// Event handlers of every page.
import { runAction, copy, send } from "./actions.js";
import { press, showKeys } from "./keys.js";
import { renderDynamic, follow, search } from "./live.js";
import { focusPending, showPendingToast } from "./feedback.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-call], [data-copy], [data-keys], [data-print]");
  if (!button) return;
  if (button.dataset.call) runAction(button);
  else if (button.dataset.copy) copy(button);
  else if (button.dataset.print !== undefined) print();
  else showKeys();
});
document.addEventListener("submit", (event) => {
  if (event.target.dataset.api) {
    event.preventDefault();
    send(event.target);
  }
});
// <form data-instant>: a changed filter is applied at once.
document.addEventListener("change", ({ target }) => {
  if (target.form?.dataset.instant !== undefined) target.form.requestSubmit();
});
document.addEventListener("keydown", press);
renderDynamic(document);
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
showPendingToast();
focusPending();
document.querySelectorAll("[data-live]").forEach(follow);
document.querySelectorAll("[data-search]").forEach(search);
// From here on the buttons work; see base.css.
document.documentElement.dataset.ready = "";
