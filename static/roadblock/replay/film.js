// A recorded chase: where every car was at a moment. No drawing, no network.

const GAP = 5; // seconds without a word after which a car is not moved along
const TAIL = 20; // seconds of a trail

/** Index of the last point at or before t, or -1. */
function at(track, t) {
  let [low, high] = [0, track.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (track[middle][0] <= t) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export class Film {
  constructor({ chase, cars, events, alerts, plans, begin, end, map_id: mapId }) {
    Object.assign(this, { chase, cars, events, alerts, plans, begin, end, mapId });
    this.byId = new Map(cars.map((car) => [car.id, car]));
  }

  get empty() {
    return !this.cars.some(({ track }) => track.length);
  }

  nameOf(id) {
    return this.byId.get(id)?.car_name ?? `#${id}`;
  }

  /** {x, y, heading or null, silent} of a car at t, or null before its first word. */
  where(car, t) {
    const { track } = car;
    const i = at(track, t);
    if (i < 0) return null;
    const [from, to] = [track[i], track[i + 1]];
    let [, x, y] = from;
    if (to && to[0] - from[0] < GAP) {
      const part = (t - from[0]) / (to[0] - from[0]);
      x += (to[1] - x) * part;
      y += (to[2] - y) * part;
    }
    return { x, y, heading: this.heading(track, i), silent: t - from[0] > 2 * GAP };
  }

  // From a little way back: a step of centimetres points anywhere.
  heading(track, i) {
    const last = track[Math.min(i + 1, track.length - 1)];
    for (let k = i; k >= 0 && i - k < 60; k -= 1) {
      const [dx, dy] = [last[1] - track[k][1], last[2] - track[k][2]];
      if (Math.hypot(dx, dy) > 0.7) return Math.atan2(dy, dx);
    }
    return null;
  }

  /** The roadblocks of the plan in force at t. */
  posts(t) {
    const plan = this.plans.findLast(({ at: from }) => from <= t);
    const over = !plan || t >= (plan.until ?? Infinity) || this.standing(t) === "caught";
    return over ? [] : plan.roadblocks;
  }

  trail(car, t) {
    const end = at(car.track, t);
    return car.track.slice(Math.max(0, at(car.track, t - TAIL)), end + 1);
  }

  /** How the runner stands at t: the mark its sign bears. */
  standing(t) {
    if (t < 0) return "free";
    const caught = this.events.find(({ status }) => status === "catch");
    return caught && t >= caught.at ? "caught" : "chased";
  }

  bounds() {
    let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const { track } of this.cars) {
      for (const [, x, y] of track) {
        west = Math.min(west, x);
        east = Math.max(east, x);
        south = Math.min(south, y);
        north = Math.max(north, y);
      }
    }
    return west <= east ? [[south, west], [north, east]] : null;
  }
}
