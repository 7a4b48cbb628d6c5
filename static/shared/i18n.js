// Django's JavaScript catalogue, with English when it could not be loaded.

export const gettext = (text) => window.gettext?.(text) ?? text;

export const pgettext = (context, text) => window.pgettext?.(context, text) ?? text;

export const ngettext = (one, many, count) =>
  window.ngettext?.(one, many, count) ?? (count === 1 ? one : many);

/** Fill named gaps: fill(gettext("%(a)s caught %(b)s"), {a, b}). */
export const fill = (text, values) =>
  text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name] ?? ""));
