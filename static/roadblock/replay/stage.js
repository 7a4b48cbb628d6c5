// The map of a replay: roads, trails and cars at one moment.
import { CanvasLayer } from "../canvas.js";
import { forgetGlyphs, GLYPH, glyph, label } from "../glyphs.js";
import { onThemeChange, palette } from "../palette.js";
import { drawBar } from "../posts.js";

const { L } = window;

const roadStyle = () => ({
  color: palette["road-edge"], weight: 1.5, fillColor: palette.road, fillOpacity: 1,
});

export class Stage {
  constructor(element, film, redraw) {
    this.film = film;
    this.followed = null;
    this.map = L.map(element, {
      crs: L.CRS.Simple,
      minZoom: -6,
      maxZoom: 6,
      zoomSnap: 0.25,
      attributionControl: false,
      zoomControl: false,
      renderer: L.canvas({ padding: 0.25 }),
    }).setView([0, 0], 0);
    L.control.zoom({ position: "bottomright" }).addTo(this.map);
    L.control.scale({ position: "bottomleft", imperial: false }).addTo(this.map);
    this.map.createPane("cars").style.zIndex = 450;
    this.map.getPane("cars").style.pointerEvents = "none";
    this.cars = new CanvasLayer("cars").addTo(this.map);
    this.map.on("move zoomend viewreset resize", redraw);
    new ResizeObserver(() => this.map.invalidateSize({ pan: false })).observe(element);
    onThemeChange(() => {
      forgetGlyphs();
      this.roads?.setStyle(roadStyle());
      redraw();
    });
    const bounds = film.bounds();
    if (bounds) this.map.fitBounds(bounds, { padding: [40, 40], maxZoom: 3, animate: false });
  }

  addRoads(geojson) {
    this.roads = L.geoJSON(geojson, { interactive: false, style: roadStyle }).addTo(this.map);
  }

  draw(t) {
    const { film } = this;
    const target = film.byId.get(this.followed);
    const place = target && film.where(target, t);
    // Only when it has moved: setView tells us to draw again.
    if (place && !(place.x === this.atX && place.y === this.atY)) {
      [this.atX, this.atY] = [place.x, place.y];
      this.map.setView([place.y, place.x], Math.max(this.map.getZoom(), 1), { animate: false });
    }
    this.cars.paint((pen, view) => {
      for (const car of film.cars) this.drawTrail(pen, view, car, t);
      for (const post of film.posts(t)) drawBar(pen, view, post, { tone: palette.police });
      pen.globalAlpha = 1;
      for (const kind of ["police", "runner"]) {
        for (const car of film.cars) {
          if (car.vehicle_type === kind) this.drawCar(pen, view, car, t);
        }
      }
    });
  }

  drawTrail(pen, { scale, zeroX, zeroY }, car, t) {
    const points = this.film.trail(car, t);
    const place = this.film.where(car, t);
    if (!place || !points.length) return;
    pen.beginPath();
    for (const [, x, y] of points) pen.lineTo(zeroX + x * scale, zeroY - y * scale);
    pen.lineTo(zeroX + place.x * scale, zeroY - place.y * scale);
    pen.strokeStyle = palette[car.vehicle_type];
    pen.lineWidth = 3;
    pen.globalAlpha = 0.45;
    pen.stroke();
    pen.globalAlpha = 1;
  }

  drawCar(pen, { scale, zeroX, zeroY, clarity }, car, t) {
    const place = this.film.where(car, t);
    if (!place) return;
    const [x, y] = [zeroX + place.x * scale, zeroY - place.y * scale];
    const runner = car.id === this.film.chase.runner_id;
    const mark = runner ? this.film.standing(t) : "normal";
    const sign = glyph(car.vehicle_type, place.heading !== null, mark, place.silent);
    pen.save();
    pen.translate(x, y);
    if (car.id === this.followed) {
      pen.beginPath();
      pen.arc(0, 0, GLYPH * 0.72, 0, 2 * Math.PI);
      pen.lineWidth = 3;
      pen.strokeStyle = palette.accent;
      pen.stroke();
    }
    if (place.heading !== null) pen.rotate(-place.heading);
    pen.drawImage(sign, -GLYPH / 2, -GLYPH / 2, GLYPH, GLYPH);
    pen.restore();
    const plate = label(car.car_name, clarity);
    pen.drawImage(
      plate.canvas, Math.round(x - plate.width / 2), Math.round(y + GLYPH * 0.6),
      plate.width, plate.height,
    );
  }
}
