// A canvas over the Leaflet map, drawn in metres by whoever owns it. It follows
// pans and zoom animations; between those its owner redraws it as often as it likes.
const { L } = window;

const CLARITY = Math.min(2, window.devicePixelRatio || 1);

export const CanvasLayer = L.Layer.extend({
  initialize(pane) {
    L.setOptions(this, { pane });
  },

  onAdd(map) {
    this._canvas = L.DomUtil.create("canvas", "leaflet-zoom-animated", this.getPane());
    this._canvas.setAttribute("aria-hidden", "true");
    this._pen = this._canvas.getContext("2d");
    this._gliding = false;
    this.fit(map.getSize());
  },

  onRemove() {
    this._canvas.remove();
  },

  getEvents() {
    return {
      resize: ({ newSize }) => this.fit(newSize),
      zoomanim: (event) => this.glideAlong(event),
      zoomend: () => (this._gliding = false),
    };
  },

  fit(size) {
    this._size = size;
    this._canvas.width = Math.round(size.x * CLARITY);
    this._canvas.height = Math.round(size.y * CLARITY);
    this._canvas.style.width = `${size.x}px`;
    this._canvas.style.height = `${size.y}px`;
  },

  // The browser scales the picture while the map zooms; drawing waits meanwhile.
  glideAlong({ zoom, center }) {
    if (!this._corner) return;
    this._gliding = true;
    const at = this._map._latLngToNewLayerPoint(this._corner, zoom, center);
    const scale = this._map.getZoomScale(zoom, this._cornerZoom);
    L.DomUtil.setTransform(this._canvas, at, scale);
  },

  /**
   * Clear, and call draw(pen, view) with a view of x(metres), y(metres), scale
   * (pixels a metre), width and height; nothing is drawn during a zoom animation.
   */
  paint(draw) {
    if (this._gliding || !this._map) return false;
    const map = this._map;
    L.DomUtil.setTransform(this._canvas, map.containerPointToLayerPoint([0, 0]), 1);
    this._corner = map.containerPointToLatLng([0, 0]);
    this._cornerZoom = map.getZoom();
    const scale = map.options.crs.scale(map.getZoom());
    const zero = map.latLngToContainerPoint([0, 0]);
    const pen = this._pen;
    pen.setTransform(CLARITY, 0, 0, CLARITY, 0, 0);
    pen.clearRect(0, 0, this._size.x, this._size.y);
    draw(pen, {
      scale,
      zeroX: zero.x,
      zeroY: zero.y,
      width: this._size.x,
      height: this._size.y,
      clarity: CLARITY,
    });
    return true;
  },
});
