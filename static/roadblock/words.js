// What happened, in words: chases' events and alerts.
import { fill, gettext } from "../shared/i18n.js";

export const SIGNS = {
  run: "▶", catch: "✓", failed: "✕", closed: "■",
  enter: "↘", leave: "↗", silence: "…", proximity: "◎",
};

/** event: its kind, and the names of catcher (an alert's car), runner and zone. */
export const sentence = (event) =>
  fill(
    {
      run: gettext("%(runner)s is on the run"),
      catch: gettext("%(catcher)s caught %(runner)s"),
      failed: gettext("%(catcher)s missed %(runner)s"),
      enter: gettext("%(catcher)s entered %(zone)s"),
      leave: gettext("%(catcher)s left %(zone)s"),
      silence: gettext("%(catcher)s fell silent"),
      proximity: gettext("%(catcher)s is near %(runner)s"),
      closed: gettext("The chase of %(runner)s was closed without a catch"),
    }[event.kind] ?? event.kind,
    event,
  );
