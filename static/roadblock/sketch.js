// A polygon drawn by clicks, or by keys: corners at the middle of the map.
import { $, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { palette } from "./palette.js";

const { L } = window;
const DRAG = 6; // pixels between press and release that make it a drag

export class Sketch {
  constructor(map, onDone) {
    Object.assign(this, { map, onDone });
    this.corners = null; // [[x, y], ...] while drawing
    this.pressed = null;
    const box = map.getContainer();
    // Before Leaflet hears of it: while drawing, a click is a corner and no car.
    box.addEventListener("pointerdown", (event) => (this.pressed = event), true);
    box.addEventListener("click", (event) => this.click(event), true);
    box.addEventListener("dblclick", (event) => this.corners && event.stopPropagation(), true);
    addEventListener("keydown", (event) => this.key(event), true);
    $("zone-middle")?.addEventListener("click", () => this.add(map.getCenter()));
    $("zone-undo")?.addEventListener("click", () => this.undo());
    $("zone-done")?.addEventListener("click", () => this.done());
    $("zone-cancel")?.addEventListener("click", () => this.end());
  }

  begin() {
    this.end();
    this.corners = [];
    $("zone-tools").hidden = false;
    $("zone-draw").hidden = true;
    this.map.getContainer().classList.add("drawing");
    this.draw();
  }

  end() {
    this.corners = null;
    this.shape?.remove();
    if (!$("zone-tools")) return;
    $("zone-tools").hidden = true;
    $("zone-form").hidden = true;
    $("zone-draw").hidden = false;
    this.map.getContainer().classList.remove("drawing");
  }

  click(event) {
    if (!this.corners || event.target.closest(".leaflet-control")) return;
    event.stopPropagation();
    const { clientX = 0, clientY = 0 } = this.pressed ?? {};
    if (Math.hypot(event.clientX - clientX, event.clientY - clientY) > DRAG) return;
    this.add(this.map.mouseEventToLatLng(event));
  }

  key(event) {
    if (!this.corners || event.target.closest("input, select, button")) return;
    const act = { Escape: "end", Enter: "done", Backspace: "undo" }[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    this[act]();
  }

  add({ lng: x, lat: y }) {
    this.corners.push([Math.round(x * 100) / 100, Math.round(y * 100) / 100]);
    this.draw();
  }

  undo() {
    this.corners.pop();
    this.draw();
  }

  done() {
    if (this.corners.length >= 3) this.onDone(this.corners);
  }

  draw() {
    this.shape?.remove();
    const places = this.corners.map(([x, y]) => [y, x]);
    const style = { color: palette.accent, weight: 3, interactive: false };
    this.shape = L.layerGroup([
      L.polygon(places, style),
      ...places.map((place) => L.circleMarker(place, { ...style, radius: 5 })),
    ]).addTo(this.map);
    const n = this.corners.length;
    $("zone-done").disabled = n < 3;
    $("zone-undo").disabled = !n;
    write($("zone-count"), fill(gettext("%(n)s corners; click on the map for the next"), { n }));
  }
}
