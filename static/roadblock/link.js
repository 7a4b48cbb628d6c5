// Says how the connection is doing, and offers what helps.
import { fill, gettext } from "../shared/i18n.js";
import { worst } from "../shared/socket.js";

const $ = (id) => document.getElementById(id);

export class Link {
  constructor() {
    this.sockets = [];
    $("link-now").addEventListener("click", () => {
      for (const socket of this.sockets) socket.hurry();
    });
    const signIn = $("link-sign-in");
    signIn.href += `?next=${encodeURIComponent(location.pathname + location.search)}`;
  }

  watch(sockets) {
    this.sockets = sockets;
    this.show();
  }

  renew() {
    for (const socket of this.sockets) socket.renew();
  }

  show() {
    if (!this.sockets.length) return;
    const { state } = worst(this.sockets);
    $("link").className = `link ${state}`;
    $("link-now").hidden = state !== "waiting" && state !== "offline";
    $("link-sign-in").hidden = state !== "signed-out";
    // Only a change is written, since a screen reader speaks every writing.
    const text = {
      connecting: gettext("Connecting"),
      live: gettext("Live"),
      waiting: gettext("Connection lost"),
      offline: gettext("Offline"),
      "signed-out": gettext("Signed out"),
    }[state];
    if ($("link-state").textContent !== text) $("link-state").textContent = text;
    this.tick();
  }

  tick() {
    const { state, retryAt } = worst(this.sockets);
    const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
    $("link-countdown").textContent =
      state === "waiting" ? fill(gettext("reconnecting in %(n)s s"), { n: seconds }) : "";
  }
}
