// Texts of the page scripts in the language of the page, whose attribute `lang` names it. The texts in the code are English.
export const language = document.documentElement.lang;
// Numbers and dates of English pages are written as in Britain, as the server does.
const locale = language === "en" ? "en-GB" : language;
const numbers = new Intl.NumberFormat(locale);
const times = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const { texts: address } = document.documentElement.dataset;
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

// Returns the text in the language of the page, with `%(name)s` replaced by values.name.
export function gettext(text, values = {}) {
  return fill(texts[text] ?? text, values);
}

// Like `gettext`, for a number of things; `%(num)s` is the number as it is written in the language.
export function ngettext(singular, plural, number, values = {}) {
  const forms = texts[singular] ?? [singular, plural];
  return fill(forms[number === 1 ? 0 : 1], { num: formatNumber(number), ...values });
}

export function formatNumber(number) {
  return numbers.format(number);
}

export function formatTime(moment) {
  return times.format(moment);
}

export function relativeTimes() {
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
}

function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (placeholder, name) => (name in values ? String(values[name]) : placeholder));
}
