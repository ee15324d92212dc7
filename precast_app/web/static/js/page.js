// What every page needs, tied to the document.
import { act, copy, send } from "./acts.js";
import { press, showKeys } from "./keys.js";
import { enliven, follow, search } from "./live.js";
import { sayNow } from "./say.js";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-call], [data-copy], [data-keys]");
  if (!button) return;
  if (button.dataset.call) act(button);
  else if (button.dataset.copy) copy(button);
  else showKeys();
});
document.addEventListener("submit", (event) => {
  if (event.target.dataset.api) {
    event.preventDefault();
    send(event.target);
  }
});
document.addEventListener("keydown", press);
enliven(document);
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "nearest", block: "nearest" });
sayNow();
document.querySelectorAll("[data-live]").forEach(follow);
document.querySelectorAll("[data-search]").forEach(search);
// From here on the buttons do something.
document.documentElement.dataset.ready = "";
