// Small helpers for making elements without a line of HTML in a text.

export const $ = (id) => document.getElementById(id);

/** An element with attributes (null leaves one out) and children. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (value === true) made.setAttribute(name, "");
    else if (value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Write a text only when it changes: screen readers speak every writing. */
export function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

let fading;

/** Say something in the page's status line. */
export function say(text, kind = "") {
  const line = $("toast");
  clearTimeout(fading);
  line.className = `toast shown ${kind}`;
  write(line, text);
  fading = setTimeout(() => line.classList.remove("shown"), 6000);
}

/** Ask in a dialog; answers the form's values when confirmed, else null. */
export function ask(dialog, text) {
  dialog.querySelector("[data-text]").textContent = text;
  dialog.showModal();
  const form = dialog.querySelector("form");
  const answered = new AbortController();
  const { signal } = answered;
  return new Promise((answer) => {
    // Not the close event: it may come as late as when the next question is open.
    const end = (values) => {
      answered.abort();
      form.reset();
      setTimeout(() => answer(values)); // when the dialog is closed
    };
    form.addEventListener("submit", ({ submitter }) => {
      const values = Object.fromEntries(new FormData(form));
      end(submitter?.value === "yes" ? values : null);
    }, { signal });
    dialog.addEventListener("cancel", () => end(null), { signal });
  });
}
