// The state of a page's line in words (templates/shared/_link.html), and its renewal.
import { $, write } from "./elements.js";
import { gettext } from "./i18n.js";

const ASLEEP = 90_000; // a timer this late means the machine slept
const LOOK_EVERY = 20_000;

/** Look after a LiveSocket; `current()` returns the present one, or null. */
export function tendLink(current) {
  $("link-now").addEventListener("click", () => current()?.hurry());
  let lookedAt = Date.now();
  setInterval(() => {
    if (Date.now() - lookedAt > ASLEEP) current()?.renew();
    lookedAt = Date.now();
  }, LOOK_EVERY);
}

export function showLink(state) {
  $("link").className = `live-link ${state}`;
  $("link-now").hidden = state !== "waiting" && state !== "offline";
  write(
    $("link-state"),
    {
      connecting: gettext("Connecting"),
      live: gettext("Live"),
      waiting: gettext("Connection lost"),
      offline: gettext("Offline"),
      "signed-out": gettext("Signed out"),
    }[state],
  );
}
