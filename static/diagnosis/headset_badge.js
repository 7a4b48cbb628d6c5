// Whether a headset is there, as a badge.
import { write } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";

export function showHeadset(badge, connected) {
  badge.className = `badge headset ${connected ? "good" : "idle"}`;
  write(badge, connected ? gettext("headset connected") : gettext("headset away"));
}
