// Django's JavaScript catalogue, with English when it could not be loaded.

export const gettext = (text) => window.gettext?.(text) ?? text;

export const pgettext = (context, text) => window.pgettext?.(context, text) ?? text;

export const ngettext = (one, many, count) =>
  window.ngettext?.(one, many, count) ?? (count === 1 ? one : many);

/** Put values into the named gaps of a text, each written as %(name)s. */
export const fill = (text, values) =>
  text.replace(/%\((\w+)\)s/g, (_, name) => String(values[name] ?? ""));
