// Texts of the page scripts in the language of the page, whose attribute `lang` names it. The text in the code is English.
export const language = document.documentElement.lang;
const address = document.documentElement.dataset.texts;
const texts = address ? await load(address) : {};

async function load(path) {
  try {
    const response = await fetch(path);
    return response.ok ? await response.json() : {};
  } catch {
    // The page works in English.
    return {};
  }
}

const numbers = new Intl.NumberFormat(language);

// Returns the number as it is written in the language of the page.
export function formatNumber(number) {
  return numbers.format(number);
}

// Returns the text in the language of the page, with `%(name)s` replaced by values.name.
export function gettext(text, values = {}) {
  return fill(texts[text] ?? text, values);
}

// Like `gettext`, for a number of things; `%(num)s` is the number as it is written in the language.
export function ngettext(singular, plural, number, values = {}) {
  const forms = texts[singular] ?? [singular, plural];
  return fill(forms[number === 1 ? 0 : 1], { num: formatNumber(number), ...values });
}

function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (placeholder, name) => (name in values ? String(values[name]) : placeholder));
}
