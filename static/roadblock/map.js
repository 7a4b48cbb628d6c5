// The Leaflet map in plain metres: roads below, trails and cars above, and the
// camera that can stay on one car.
import { CanvasLayer } from "./canvas.js";
import { forgetGlyphs } from "./glyphs.js";
import { onThemeChange, palette } from "./palette.js";

const { L } = window;

const TRAILS_EVERY = 250;
const ROADS_EVERY = 400; // while following; in between the picture only slides

export class LiveMap {
  constructor(element, traffic, postLayer, { onPick, onDrag }) {
    this.traffic = traffic;
    this.postLayer = postLayer;
    this.mapId = null;
    this.inset = 0; // pixels at the left that a panel covers
    this.ghosts = null; // whatever draws above the cars, by draw(pen, view)
    this.home = null;
    this.map = L.map(element, {
      crs: L.CRS.Simple,
      minZoom: -6,
      maxZoom: 6,
      zoomSnap: 0.25,
      zoomDelta: 0.75,
      wheelPxPerZoomLevel: 90,
      zoomControl: false,
      attributionControl: false,
      renderer: L.canvas({ padding: 0.25 }),
    }).setView([0, 0], 0);
    L.control.zoom({ position: "bottomright" }).addTo(this.map);
    L.control.scale({ position: "bottomleft", imperial: false }).addTo(this.map);
    const pane = (name, level) => {
      this.map.createPane(name).style.zIndex = level;
      this.map.getPane(name).style.pointerEvents = "none";
      return new CanvasLayer(name).addTo(this.map);
    };
    this.grid = pane("grid", 150);
    this.heat = pane("heat", 410);
    this.trails = pane("trails", 420);
    this.posts = pane("posts", 440);
    this.cars = pane("cars", 450);
    this.trailsAt = -Infinity;
    this.roadsAt = 0;
    this.slid = false;
    this.zooming = false;
    const stale = () => (this.trailsAt = -Infinity);
    this.map.on("zoomanim", () => (this.zooming = true));
    this.map.on("zoomend", () => (this.zooming = false));
    this.map.on("zoom viewreset resize moveend", stale);
    this.map.on("click", ({ containerPoint: p }) => onPick(traffic.near(p.x, p.y)));
    this.map.on("dragstart", onDrag);
    this.map.on("mousemove", ({ containerPoint: p }) => this.point(p));
    this.map.on("mouseout", () => (traffic.pointed = null));
    // Leaflet gives the map the focus at every press; only keys need to see it.
    element.addEventListener("pointerdown", () => element.classList.add("by-pointer"));
    element.addEventListener("keydown", () => element.classList.remove("by-pointer"));
    new ResizeObserver(() => this.map.invalidateSize({ pan: false })).observe(element);
    onThemeChange(() => {
      forgetGlyphs();
      stale();
      this.roads?.setStyle(roadStyle());
    });
  }

  point({ x, y }) {
    const car = this.traffic.near(x, y);
    this.traffic.pointed = car?.id ?? null;
    this.map.getContainer().classList.toggle("over-car", Boolean(car));
  }

  /** Show a map by its number, on a bare grid until roads are added. */
  show(mapId, bbox) {
    this.mapId = mapId;
    this.roads?.remove();
    this.roads = null;
    this.home = bbox && asBounds(bbox);
    this.goHome(false);
    this.trailsAt = -Infinity;
    this.map.fire("mapshown");
  }

  addRoads(geojson) {
    this.roads?.remove();
    this.roads = L.geoJSON(geojson, { interactive: false, style: roadStyle });
    this.roads.addTo(this.map);
    if (!this.home && this.roads.getBounds().isValid()) {
      this.home = this.roads.getBounds();
      this.goHome(false);
    }
  }

  goHome(animate = true) {
    if (!this.home) return;
    this.map.fitBounds(this.home, {
      paddingTopLeft: [28 + this.inset, 76], // the bar of buttons
      paddingBottomRight: [28, 40],
      maxZoom: 3,
      animate,
    });
  }

  /** On a bare grid the cars themselves say where home is. */
  homeIs(bbox) {
    const first = !this.home;
    this.home = asBounds(bbox);
    if (first) this.goHome(false);
  }

  follow(car) {
    // Zooming about the pointer would fight with the camera.
    this.map.options.scrollWheelZoom = car ? "center" : true;
    this.map.options.touchZoom = car ? "center" : true;
    if (car) {
      const zoom = Math.max(this.map.getZoom(), 1.5);
      this.map.setView([car.shownY, car.shownX], zoom, { animate: false });
    }
    this.trailsAt = -Infinity;
  }

  keepInSight(car, now) {
    if (this.zooming) return;
    const { map } = this;
    const offset = map
      .latLngToContainerPoint([car.shownY, car.shownX])
      .subtract(map.getSize().divideBy(2))
      .round();
    if (offset.x || offset.y) {
      // Sliding the pane is cheap; telling Leaflet redraws every road.
      const pane = map.getPane("mapPane");
      L.DomUtil.setPosition(pane, L.DomUtil.getPosition(pane).subtract(offset));
      map.fire("move");
      this.slid = true;
    }
    if (this.slid && now - this.roadsAt > ROADS_EVERY) {
      this.slid = false;
      this.roadsAt = now;
      map.fire("moveend");
    }
  }

  frame(now, followed) {
    if (followed) this.keepInSight(followed, now);
    if (now - this.trailsAt > TRAILS_EVERY) {
      const drawn = this.trails.paint((pen, view) =>
        this.traffic.drawTrails(pen, view, this.mapId, now),
      );
      this.grid.paint(drawGrid);
      this.heat.paint((pen, view) => this.postLayer.drawHeat(pen, view, this.mapId));
      if (drawn) this.trailsAt = now;
    }
    this.posts.paint((pen, view) => this.postLayer.drawPosts(pen, view, this.mapId));
    this.cars.paint((pen, view) => {
      this.traffic.drawCars(pen, view, this.mapId, now);
      this.ghosts?.draw(pen, view);
    });
  }
}

const asBounds = ([west, south, east, north]) =>
  L.latLngBounds([south, west], [north, east]);

const roadStyle = () => ({
  color: palette["road-edge"],
  weight: 1.5,
  fillColor: palette.road,
  fillOpacity: 1,
});

// Lines at round numbers of metres, never closer than sixty pixels.
function drawGrid(pen, { scale, zeroX, zeroY, width, height }) {
  const rough = 60 / scale;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((n) => n * power >= rough) * scale;
  const sharp = (at) => Math.round(at) + 0.5;
  pen.beginPath();
  for (let x = zeroX - Math.ceil(zeroX / step) * step; x < width; x += step) {
    pen.moveTo(sharp(x), 0);
    pen.lineTo(sharp(x), height);
  }
  for (let y = zeroY - Math.ceil(zeroY / step) * step; y < height; y += step) {
    pen.moveTo(0, sharp(y));
    pen.lineTo(width, sharp(y));
  }
  pen.strokeStyle = palette.grid;
  pen.lineWidth = 1;
  pen.stroke();
}
