// Zones on the live map: shown, drawn by clicks, removed; and alerts as they happen.
import { $, ask, element, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { Rest } from "../shared/rest.js";
import { Sketch } from "./sketch.js";
import { onThemeChange, palette } from "./palette.js";

const { L } = window;

export class Zones {
  /** Tells of every alert by onAlert(alert, fresh). */
  constructor(mount, liveMap, onAlert) {
    Object.assign(this, { liveMap, onAlert });
    this.rest = new Rest(mount);
    this.zones = [];
    this.group = L.layerGroup().addTo(liveMap.map);
    this.mayDraw = "mayDraw" in $("zone-panel").dataset;
    this.reshaped = null; // the zone whose shape is being changed
    this.sketch = new Sketch(liveMap.map, (corners) =>
      this.reshaped ? this.reshape(corners) : this.name(corners),
    );
    liveMap.map.on("mapshown", () => this.draw());
    onThemeChange(() => this.draw());
    $("zones").addEventListener("click", () => this.open($("zone-panel").hidden));
    if (this.mayDraw) {
      $("zone-draw").addEventListener("click", () => this.begin(null));
      $("zone-form").addEventListener("submit", (event) => this.save(event));
    }
    this.load();
    this.listen();
  }

  open(on) {
    $("zone-panel").hidden = !on;
    $("zones").setAttribute("aria-pressed", String(on));
    if (on) this.load(); // others draw too
    else this.sketch.end();
  }

  async load() {
    try {
      this.zones = (await this.rest.call("GET", "zones")).zones;
      const { alerts } = await this.rest.call("GET", "alerts");
      for (const alert of alerts.reverse()) this.onAlert(alert, false);
    } catch (error) {
      console.warn(error);
    }
    this.draw();
  }

  // EventSource comes back by itself when the line breaks.
  listen() {
    const stream = new EventSource(this.rest.url("alerts/stream"));
    stream.addEventListener("alert", ({ data, lastEventId }) => {
      this.onAlert({ id: Number(lastEventId), ...JSON.parse(data) }, true);
    });
  }

  draw() {
    this.group.clearLayers();
    if (this.mayDraw) $("zone-draw").disabled = this.liveMap.mapId === null;
    const here = this.zones.filter(({ map_id: id }) => id === this.liveMap.mapId);
    for (const zone of here) {
      L.polygon(zone.corners.map(([x, y]) => [y, x]), {
        color: palette.accent,
        weight: 2,
        opacity: zone.active ? 1 : 0.4,
        dashArray: "6 4",
        fillOpacity: 0.08,
        interactive: false,
      })
        .bindTooltip(named(zone), {
          permanent: true, direction: "center", className: "zone-name",
        })
        .addTo(this.group);
    }
    $("zone-list").replaceChildren(...here.map((zone) => this.row(zone)));
    if (!here.length) {
      const text = gettext("No zone is drawn on this map yet.");
      $("zone-list").append(element("li", {}, text));
    }
  }

  row(zone) {
    const item = element("li", {}, element("span", {}, zone.name));
    if (this.mayDraw) {
      const act = (text, label, run) => {
        const button = element("button", { type: "button", class: "quiet" }, text);
        button.setAttribute("aria-label", fill(label, zone));
        button.addEventListener("click", run);
        return button;
      };
      item.append(
        act(gettext("Shape"), gettext("Change the shape of %(name)s"), () => this.begin(zone)),
        act(gettext("Remove"), gettext("Remove %(name)s"), () => this.remove(zone)),
      );
    }
    return item;
  }

  /** Draw a new zone, or a given one anew. */
  begin(zone) {
    this.reshaped = zone;
    write($("zone-trouble"), "");
    this.sketch.begin(zone?.corners);
  }

  async reshape(corners) {
    const { id } = this.reshaped;
    try {
      const zone = await this.rest.call("PATCH", `zones/${id}`, { body: { corners } });
      this.zones = this.zones.map((one) => (one.id === id ? zone : one));
    } catch (error) {
      write($("zone-count"), error.message);
      return;
    }
    this.sketch.end();
    this.draw();
  }

  name(corners) {
    this.corners = corners;
    write($("zone-trouble"), "");
    $("zone-form").hidden = false;
    $("zone-name").focus();
  }

  async save(event) {
    event.preventDefault();
    const body = {
      name: $("zone-name").value,
      watches: $("zone-watches").value,
      map_id: this.liveMap.mapId,
      corners: this.corners,
    };
    try {
      this.zones.push(await this.rest.call("POST", "zones", { body }));
    } catch (error) {
      write($("zone-trouble"), error.message);
      return;
    }
    $("zone-form").reset();
    $("zone-form").hidden = true;
    this.sketch.end();
    this.draw();
  }

  async remove(zone) {
    if (!(await ask($("zone-sure"), zone.name))) return null;
    try {
      await this.rest.call("DELETE", `zones/${zone.id}`);
    } catch (error) {
      if (error.status !== 404) return console.warn(error);
    }
    this.zones = this.zones.filter(({ id }) => id !== zone.id);
    this.draw();
    return null;
  }
}

// An element, since Leaflet takes a text for HTML.
const named = ({ name }) => element("span", {}, name);
