// The kinds of items that a column can be about, as the server names them, with the words for each: what a value in the
// column says, an item that the project lacks, a list of items, and what replacements of values are for.
import { gettext } from "./languages.js";

const KINDS = {
  node: {
    meaning: gettext("Pieces at this place"), newItem: gettext("New place"), items: gettext("Towers and floors"),
    values: gettext("Quantities"),
  },
  stage: {
    meaning: gettext("Stage"), newItem: gettext("New stage"), items: gettext("Stages"), values: gettext("Stages"),
  },
  drawing_type: {
    meaning: gettext("Drawing"), newItem: gettext("New drawing type"), items: gettext("Drawing types"),
    values: gettext("Drawings"),
  },
  product: {
    meaning: gettext("Quantity of this product"), newItem: gettext("New product"), items: gettext("Products"),
    values: gettext("Materials"),
  },
};

// Returns the words of one sort by kind, for example { node: "New place", … } of "newItem".
export function wordsByKind(sort) {
  return Object.fromEntries(Object.entries(KINDS).map(([kind, words]) => [kind, words[sort]]));
}
