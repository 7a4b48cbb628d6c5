// Takes hold of things on the map: dragged, tapped, or moved by the arrow keys.

const DRAG = 6; // pixels between press and release that make it a drag
const STEP = 12; // pixels that an arrow key moves; with Shift five times as many
const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1],
};

const cents = (metres) => Math.round(metres * 100) / 100;

export class Grip {
  /**
   * find(point) tells what is at a point of the picture, or null. onPick(what) is a
   * tap on it, onMove(what, {x, y}, dropped) a drag, onPlace({x, y}) a tap elsewhere,
   * onStep(dx, dy) an arrow key, onEscape() Esc. All in metres, all only while `on`.
   */
  constructor(map, handlers) {
    Object.assign(this, { map, ...handlers });
    this.on = false;
    this.held = null;
    const box = map.getContainer();
    // Before Leaflet hears of it: what is held is dragged, and not the map.
    box.addEventListener("pointerdown", (event) => this.press(event), true);
    box.addEventListener("pointermove", (event) => this.drag(event), true);
    box.addEventListener("pointerup", (event) => this.release(event), true);
    box.addEventListener("pointercancel", (event) => this.release(event), true);
    box.addEventListener("click", (event) => this.click(event), true);
    addEventListener("keydown", (event) => this.key(event), true);
  }

  place(event) {
    const { lng, lat } = this.map.mouseEventToLatLng(event);
    return { x: cents(lng), y: cents(lat) };
  }

  press(event) {
    if (!this.on || !event.isPrimary || event.button !== 0) return;
    if (event.target.closest(".leaflet-control")) return;
    const what = this.find(this.map.mouseEventToContainerPoint(event));
    this.held = { what, x: event.clientX, y: event.clientY, moved: false };
    if (what === null) return;
    this.map.dragging.disable();
    this.map.getContainer().setPointerCapture(event.pointerId);
  }

  drag(event) {
    const { held } = this;
    if (!held || !event.isPrimary || !(event.buttons & 1)) return;
    const way = Math.hypot(event.clientX - held.x, event.clientY - held.y);
    if (way > DRAG) held.moved = true;
    if (held.moved && held.what !== null) this.onMove(held.what, this.place(event), false);
  }

  release(event) {
    const { held } = this;
    if (!held || !event.isPrimary || held.what === null) return;
    this.map.dragging.enable();
    if (held.moved) this.onMove(held.what, this.place(event), true);
  }

  click(event) {
    if (!this.on || event.target.closest(".leaflet-control")) return;
    event.stopPropagation();
    const { held } = this;
    this.held = null;
    if (!held || held.moved) return;
    if (held.what !== null) this.onPick(held.what);
    else this.onPlace(this.place(event));
  }

  key(event) {
    if (!this.on || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    let done = false;
    if (event.key === "Escape") done = this.onEscape();
    else if (event.key in ARROWS) {
      const [dx, dy] = ARROWS[event.key];
      const step = ((event.shiftKey ? 5 : 1) * STEP) / this.scale();
      done = this.onStep(dx * step, dy * step);
    }
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Pixels a metre. */
  scale() {
    return this.map.options.crs.scale(this.map.getZoom());
  }
}
