// Elements from plain descriptions.

// Returns an element with the attributes and children; an attribute that is null or false is left out, `on` has listeners.
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") for (const [type, listener] of Object.entries(value)) element.addEventListener(type, listener);
    else if (name in element && typeof value === "boolean") element[name] = value;
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Returns a <select> of [value, label] pairs and of { label, options } groups.
export function select(attributes, options, value) {
  const list = el("select", attributes);
  for (const each of options) {
    if (Array.isArray(each)) list.append(option(each));
    else if (each.options.length) list.append(el("optgroup", { label: each.label }, ...each.options.map(option)));
  }
  list.value = value;
  return list;
}

function option([value, label]) {
  return el("option", { value }, label);
}
