// <ol data-order="PUT /api/…" data-field="stages">: users reorder the items by dragging or with arrows; the order is stored.
import { call } from "./api.js";
import { toast } from "./feedback.js";
import { gettext } from "./languages.js";

function arrows(list) {
  const items = [...list.children];
  items.forEach((item, place) => {
    // Not `disabled`, because a disabled button loses the focus.
    item.querySelector("[data-move='-1']").ariaDisabled = place === 0;
    item.querySelector("[data-move='1']").ariaDisabled = place === items.length - 1;
  });
}

// Scrolls the page so that the button is where it was before its item moved, and makes room for that where necessary.
function keepInPlace(button, list, top) {
  const distance = () => Math.round(button.getBoundingClientRect().top - top);
  const page = document.querySelector("main");
  const addRoom = (element, side, pixels) => { element.style[side] = `${parseFloat(getComputedStyle(element)[side]) + pixels}px`; };
  scrollBy(0, distance());
  if (distance() < 0) addRoom(list, "marginTop", -distance());
  else if (distance() > 0) {
    addRoom(page, "paddingBottom", distance());
    scrollBy(0, distance());
  }
}

function begin(list) {
  const [method, path] = list.dataset.order.split(" ");
  const status = document.querySelector("[data-order-status]");
  let stored = [...list.children];
  let dragged = null;

  async function store(item) {
    arrows(list);
    const wanted = [...list.children];
    if (wanted.every((each, place) => each === stored[place])) return;
    const body = JSON.stringify({ [list.dataset.field]: wanted.map((each) => Number(each.dataset.id)) });
    try {
      await call(method, path, body);
      stored = wanted;
      status.textContent = gettext("%(name)s is now number %(number)s of %(total)s.", { name: item.querySelector("strong").textContent, number: wanted.indexOf(item) + 1, total: wanted.length });
    } catch (error) {
      list.append(...stored);
      arrows(list);
      toast(error.message);
    }
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button || button.ariaDisabled === "true") return;
    const item = button.closest("li");
    const { top } = button.getBoundingClientRect();
    if (button.dataset.move === "-1") item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    store(item);
    button.focus({ preventScroll: true });
    keepInPlace(button, list, top);
  });

  function move(event) {
    const over = [...list.children].find((other) => {
      const box = other.getBoundingClientRect();
      return event.clientY >= box.top && event.clientY < box.bottom;
    });
    if (!over || over === dragged) return;
    const box = over.getBoundingClientRect();
    const middle = box.top + box.height / 2;
    // Only past the middle, so that items of different heights don't flicker between two positions.
    const isBelow = Boolean(dragged.compareDocumentPosition(over) & Node.DOCUMENT_POSITION_FOLLOWING);
    if (isBelow && event.clientY > middle) over.after(dragged);
    else if (!isBelow && event.clientY < middle) over.before(dragged);
  }

  function drop() {
    document.removeEventListener("pointermove", move);
    dragged.classList.remove("dragged");
    store(dragged);
  }

  list.addEventListener("pointerleave", () => {
    list.style.marginTop = "";
    document.querySelector("main").style.paddingBottom = "";
  });

  // Only the grip starts a drag, so that text and forms in the item stay usable.
  for (const grip of list.querySelectorAll(".grip")) {
    grip.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      dragged = grip.closest("li");
      dragged.classList.add("dragged");
      document.addEventListener("pointermove", move);
      document.addEventListener("pointerup", drop, { once: true });
    });
  }
  arrows(list);
}

document.querySelectorAll("[data-order]").forEach(begin);
