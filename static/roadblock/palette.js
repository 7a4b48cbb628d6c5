// The colours of dashboard.css as a canvas understands them, renewed with the theme.

const NAMES = [
  "ground", "grid", "road", "road-edge", "police", "runner", "halo", "silent",
  "damage", "label", "label-ink", "accent",
];

export const palette = {};

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

function read() {
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    palette[name] = getComputedStyle(probe).color;
  }
}

read();

export function onThemeChange(callback) {
  const renew = () => {
    read();
    callback();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", renew);
  new MutationObserver(renew).observe(document.documentElement, {
    attributeFilter: ["data-theme"],
  });
}
