// The theme switch: system, light, dark; remembered in this browser only.
// A classic script, so that it runs before the first paint.
(() => {
  const KEY = "madang.theme";
  const ORDER = ["auto", "light", "dark"];
  const SIGNS = { auto: "◐", light: "☀\uFE0E", dark: "☾\uFE0E" };
  const root = document.documentElement;

  const remembered = () => {
    try {
      const theme = localStorage.getItem(KEY);
      return ORDER.includes(theme) ? theme : "auto";
    } catch {
      return "auto"; // storage refused, as in some private windows
    }
  };

  const wear = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };

  let theme = remembered();
  wear(theme);

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      const label = () => {
        button.firstElementChild.textContent = SIGNS[theme];
        button.setAttribute("aria-label", button.dataset[theme]);
        button.title = button.dataset[theme];
      };
      label();
      button.addEventListener("click", () => {
        theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
        wear(theme);
        label();
        try {
          localStorage.setItem(KEY, theme);
        } catch {
          // the choice then lasts for this page
        }
      });
    }
  });
})();
