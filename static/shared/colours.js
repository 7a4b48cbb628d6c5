// Colours of the style sheets as a canvas understands them.

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** The present value of a custom property that is a colour, by name without dashes. */
export function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

/** Call when the theme changes, by our switch or the system's. */
export function onThemeChange(callback) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
  new MutationObserver(callback).observe(document.documentElement, {
    attributeFilter: ["data-theme"],
  });
}
