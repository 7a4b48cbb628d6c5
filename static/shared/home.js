// Keeps the cards of the start page fresh.
import { pgettext } from "./i18n.js";

const EVERY = 5000;
const STATES = ["live", "idle", "soon", "down"];
const list = document.getElementById("apps");

const word = (state) =>
  ({
    live: pgettext("state", "live"),
    idle: pgettext("state", "idle"),
    soon: pgettext("state", "soon"),
    down: pgettext("state", "down"),
  })[state];

function show({ name, state, figures }) {
  const card = list.querySelector(`[data-app="${CSS.escape(name)}"]`);
  if (!card) return;
  if (STATES.includes(state)) {
    const badge = card.querySelector(".badge");
    badge.className = `badge ${state}`;
    badge.textContent = word(state);
  }
  const rows = (figures ?? []).map(([label, value]) => {
    const row = document.createElement("div");
    row.append(document.createElement("dt"), document.createElement("dd"));
    row.firstChild.textContent = label;
    row.lastChild.textContent = value;
    return row;
  });
  card.querySelector(".figures").replaceChildren(...rows);
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(list.dataset.statusUrl, {
      headers: { Accept: "application/json" },
    });
    if (answer.ok) (await answer.json()).apps.forEach(show);
  } catch {
    // the next round tries again; the last known figures stay
  }
}

setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
