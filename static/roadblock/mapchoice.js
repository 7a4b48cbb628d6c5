// Which map is on the screen: where most live cars are, until somebody chooses.
import { fill, gettext } from "../shared/i18n.js";
import { toast } from "./log.js";

const LOOK_EVERY = 1000;

export class MapChoice {
  constructor(api, fleet, liveMap) {
    Object.assign(this, { api, fleet, liveMap });
    this.maps = new Map();
    this.roads = new Map(); // id -> promise of the GeoJSON
    this.chosen = false;
    this.lookedAt = -Infinity;
    this.select = document.getElementById("map-choice");
    this.select.addEventListener("change", () => {
      this.chosen = true;
      this.show(Number(this.select.value));
    });
    this.load();
  }

  async load() {
    try {
      const maps = await this.api.maps();
      this.maps = new Map(maps.map((map) => [map.id, map]));
    } catch (error) {
      console.warn(error);
      if (!this.api.signedOut) setTimeout(() => this.load(), 5000);
      return;
    }
    const shown = this.liveMap.mapId;
    this.liveMap.mapId = null; // shown so far without its roads
    if (shown !== null) this.show(shown);
    this.update(performance.now());
  }

  nameOf(id) {
    const map = this.maps.get(id);
    return map ? map.map_name : fill(gettext("Map %(id)s"), { id });
  }

  async show(id) {
    const { liveMap } = this;
    if (id === null || id === liveMap.mapId) return;
    const map = this.maps.get(id);
    liveMap.show(id, map?.bbox ?? this.fleet.bounds(id));
    this.list();
    if (!map) return;
    if (!this.roads.has(id)) this.roads.set(id, this.api.roads(id));
    try {
      const roads = await this.roads.get(id);
      if (liveMap.mapId === id) liveMap.addRoads(roads);
    } catch (error) {
      console.warn(error);
      this.roads.delete(id);
      toast(gettext("The roads of this map could not be loaded"), map.map_name, "trouble");
    }
  }

  update(now) {
    if (now - this.lookedAt < LOOK_EVERY) return;
    this.lookedAt = now;
    const busiest = this.fleet.busiestMap(now);
    const { mapId } = this.liveMap;
    const empty = mapId === null || !this.fleet.bounds(mapId);
    if (!this.chosen && empty) {
      this.show(busiest ?? mapId ?? this.maps.keys().next().value ?? null);
    }
    if (!this.maps.has(this.liveMap.mapId)) {
      const bounds = this.fleet.bounds(this.liveMap.mapId);
      if (bounds) this.liveMap.homeIs(bounds);
    }
    this.list();
  }

  /** Installed maps, and those where cars are although no roads are known. */
  list() {
    const counts = new Map([...this.maps.keys()].map((id) => [id, 0]));
    for (const { placed, mapId } of this.fleet.cars.values()) {
      if (placed) counts.set(mapId, (counts.get(mapId) ?? 0) + 1);
    }
    const { mapId } = this.liveMap;
    if (mapId !== null && !counts.has(mapId)) counts.set(mapId, 0);
    const labels = [...counts].map(([id, count]) => {
      const name = this.maps.has(id)
        ? this.nameOf(id)
        : fill(gettext("%(map)s (no road data)"), { map: this.nameOf(id) });
      return [id, count ? `${name} · ${count}` : name];
    });
    const key = JSON.stringify(labels) + mapId;
    if (key === this.listed) return;
    this.listed = key;
    this.select.replaceChildren(
      ...labels.map(([id, text]) => new Option(text, id, false, id === mapId)),
    );
    this.select.hidden = !labels.length;
  }
}
