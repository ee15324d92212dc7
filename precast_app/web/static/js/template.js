// <form data-template="/api/…/template"> downloads a template with the columns that are checked. A box checks and unchecks
// the boxes below it; a box that has only some of these checked is indeterminate.
function boxes(within) {
  return [...within.querySelectorAll("input[type=checkbox][name]")];
}

function below(box) {
  return boxes(box.closest("li")).filter((each) => each !== box);
}

function update(fieldset) {
  // From the innermost to the outermost.
  for (const box of boxes(fieldset).reverse()) {
    const inner = below(box);
    if (!inner.length) continue;
    box.checked = inner.every((each) => each.checked);
    box.indeterminate = !box.checked && inner.some((each) => each.checked);
  }
  const all = fieldset.querySelector("[data-all]");
  const each = boxes(fieldset);
  all.checked = each.every((box) => box.checked);
  all.indeterminate = !all.checked && each.some((box) => box.checked);
}

// The ids that say what is checked: of a tower with all its floors only its own.
function chosen(fieldset) {
  return boxes(fieldset).filter((box) => box.checked && !box.closest("li").parentElement.closest("li")?.querySelector("input").checked);
}

function address(form, format) {
  const query = new URLSearchParams();
  for (const fieldset of form.querySelectorAll("[data-kind]")) {
    if (!fieldset.querySelector("[data-all]").checked) query.set(fieldset.dataset.kind, chosen(fieldset).map((box) => box.value).join(","));
  }
  if (form.elements.guide.checked) query.set("guide", "true");
  return `${form.dataset.template}/${format}?${query}`;
}

for (const form of document.querySelectorAll("[data-template]")) {
  form.addEventListener("change", ({ target }) => {
    const fieldset = target.closest("[data-kind]");
    if (!fieldset) return;
    const changed = target.dataset.all === undefined ? below(target) : boxes(fieldset);
    for (const box of changed) box.checked = target.checked;
    update(fieldset);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.href = address(form, event.submitter.value);
  });
}
