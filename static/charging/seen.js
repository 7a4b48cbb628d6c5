// The plates that cameras saw, newest first, and whose reservation each was.
import { fill, gettext } from "../shared/i18n.js";
import { $, element } from "../shared/elements.js";

export class Seen {
  constructor(api, clock) {
    this.api = api;
    this.clock = clock;
    this.newest = null;
    $("seen-again").addEventListener("click", () => this.load());
  }

  async load() {
    try {
      this.show((await this.api.sightings()).sightings);
    } catch {
      // the next round tries again; what is known stays
    }
  }

  show(sightings) {
    const before = this.newest;
    this.newest = sightings[0]?.id ?? 0;
    $("seen-nothing").hidden = sightings.length > 0;
    $("seen").replaceChildren(
      ...sightings.map((one) => this.item(one, before !== null && one.id > before)),
    );
  }

  item(one, fresh) {
    const [kind, text] = this.verdict(one);
    const badge = element("span", { class: `badge ${kind}` });
    badge.textContent = text;
    const when = element("time", { datetime: one.seenAt });
    when.textContent = this.clock.when(one.seenAt);
    const plate = element("b", {}, one.plate || gettext("(nothing read)"));
    const item = element("li", { class: fresh ? "fresh" : "" }, plate, badge, when);
    if (one.confidence !== null) {
      const sure = element("small");
      sure.textContent = fill(gettext("%(n)s% sure"), {
        n: Math.round(one.confidence * 100),
      });
      item.append(sure);
    }
    return item;
  }

  verdict({ source, reservation }) {
    if (reservation) {
      return [
        "good",
        `${reservation.startTime}–${reservation.endTime} · ${this.bayName(reservation.sessionId)}`,
      ];
    }
    if (source === "recognition") return ["idle", gettext("picture read")];
    return ["warn", gettext("no reservation")];
  }

  bayName = (id) => `#${id}`;
}
