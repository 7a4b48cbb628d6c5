// A polygon drawn by clicks, or by keys: corners at the middle of the map. Corners
// that are there can be dragged.
import { $, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { palette } from "./palette.js";

const { L } = window;
const DRAG = 6; // pixels between press and release that make it a drag
const REACH = 16; // pixels between a finger and the corner it means

const corner = ({ lng, lat }) => [lng, lat].map((metres) => Math.round(metres * 100) / 100);

export class Sketch {
  constructor(map, onDone) {
    Object.assign(this, { map, onDone });
    this.corners = null; // [[x, y], ...] while drawing
    this.pressed = null;
    this.held = null; // the corner that is dragged
    const box = map.getContainer();
    // Before Leaflet hears of it: while drawing, a click is a corner and no car.
    box.addEventListener("pointerdown", (event) => this.press(event), true);
    box.addEventListener("pointermove", (event) => this.drag(event), true);
    box.addEventListener("pointerup", () => this.release(), true);
    box.addEventListener("pointercancel", () => this.release(), true);
    box.addEventListener("click", (event) => this.click(event), true);
    box.addEventListener("dblclick", (event) => this.corners && event.stopPropagation(), true);
    addEventListener("keydown", (event) => this.key(event), true);
    $("zone-middle")?.addEventListener("click", () => this.add(map.getCenter()));
    $("zone-undo")?.addEventListener("click", () => this.undo());
    $("zone-done")?.addEventListener("click", () => this.done());
    $("zone-cancel")?.addEventListener("click", () => this.end());
  }

  begin(corners = []) {
    this.end();
    this.corners = [...corners];
    $("zone-tools").hidden = false;
    $("zone-draw").hidden = true;
    this.map.getContainer().classList.add("drawing");
    this.draw();
  }

  press(event) {
    this.pressed = event;
    this.grabbed = false;
    if (!this.corners || !event.isPrimary) return;
    const at = this.map.mouseEventToContainerPoint(event);
    const gaps = this.corners.map(([x, y]) => this.map.latLngToContainerPoint([y, x]).distanceTo(at));
    const nearest = gaps.indexOf(Math.min(...gaps));
    if (!(gaps[nearest] <= REACH)) return;
    this.held = nearest;
    this.grabbed = true; // so the click that follows is no new corner
    this.map.dragging.disable();
    this.map.getContainer().setPointerCapture(event.pointerId);
  }

  drag(event) {
    if (this.held === null || !event.isPrimary) return;
    this.corners[this.held] = corner(this.map.mouseEventToLatLng(event));
    this.draw();
  }

  release() {
    if (this.held === null) return;
    this.held = null;
    this.map.dragging.enable();
  }

  end() {
    this.release();
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
    if (this.grabbed) return;
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

  add(place) {
    this.corners.push(corner(place));
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
