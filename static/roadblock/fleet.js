// What is known about every car. No drawing, no network: facts in, facts out.

export const TRAIL_AGE = 20_000; // milliseconds a place stays in the trail
const TRAIL_STEP = 400; // between two kept points, in milliseconds
const TELEPORT = 150; // metres between two positions that no car drives
const HEADING_STEP = 0.7; // metres before a direction is believed
const SILENT_AFTER = 10_000;
const DOUBT = 7000; // a position from a snapshot counts as this old
const NAME_BYTES = 10; // a frame holds no more

const encoder = new TextEncoder();
const bytes = (name) => encoder.encode(name);

/** Could this name from a frame be the beginning of a longer one? */
export const maybeCut = (name) => bytes(name).length > NAME_BYTES - 4;

function isBeginning(short, long) {
  const [a, b] = [bytes(short), bytes(long)];
  return b.length > NAME_BYTES && a.length > NAME_BYTES - 4 && long.startsWith(short);
}

// The trail holds places where the car was drawn, so that it never runs ahead of it.
function leaveTrail(car, now) {
  const { trail } = car;
  const last = trail[trail.length - 1];
  if (last && now - last.at < TRAIL_STEP) return;
  const way = last ? Math.hypot(last.x - car.shownX, last.y - car.shownY) : Infinity;
  if (way < 0.3) return;
  // A hidden page draws nothing; what happened meanwhile is no straight line.
  if (now - last?.at > 3000 && way > 30) trail.length = 0;
  trail.push({ x: car.shownX, y: car.shownY, at: now });
  let old = 0;
  while (now - trail[old].at > TRAIL_AGE) old += 1;
  if (old) trail.splice(0, old);
}

export class Fleet {
  constructor() {
    this.cars = new Map();
    this.heardIds = null; // ids heard since the connection opened, null before
    this.loaded = false; // the server has told us who is there
    this.version = 0; // grows when the list has to be made anew
  }

  /** A connection opened: what comes first is memory, not news. */
  expectSnapshot(now) {
    this.heardIds = new Set();
    this.snapshotUntil = now + 1500;
    for (const car of this.cars.values()) car.trail.length = 0;
  }

  register({ id, vehicleId, kind, name }, now) {
    const car = this.cars.get(id) ?? this.add(id, now);
    car.vehicleId = vehicleId;
    car.kind = kind;
    if (!isBeginning(name, car.name)) car.name = name;
    this.touch(car);
    return car;
  }

  add(id, now) {
    const car = {
      id, vehicleId: null, kind: "police", name: "", search: "", known: false,
      mapId: null, x: 0, y: 0, fromX: 0, fromY: 0, shownX: 0, shownY: 0,
      placed: false, movedAt: 0, interval: 200, heardAt: -Infinity,
      addedAt: now, anchorX: 0, anchorY: 0, heading: null, shownHeading: 0,
      speed: 0, trail: [], fuel: null, collisions: null, level: "normal",
    };
    this.cars.set(id, car);
    return car;
  }

  /** Vehicles over HTTP: full names, and nobody else is still there. */
  reconcile(vehicles, askedAt, now) {
    const ids = new Set();
    this.loaded = true;
    for (const vehicle of vehicles) {
      ids.add(vehicle.id);
      const car = this.cars.get(vehicle.id) ?? this.add(vehicle.id, now);
      car.name = vehicle.car_name;
      car.kind = vehicle.vehicle_type;
      if (vehicle.vehicle_id !== undefined) car.vehicleId = vehicle.vehicle_id;
      if (vehicle.details) {
        car.fuel = vehicle.details.fuel;
        car.collisions = vehicle.details.collision_count;
        car.level = vehicle.details.status;
      }
      this.touch(car);
    }
    for (const car of this.cars.values()) {
      if (!ids.has(car.id) && car.addedAt < askedAt) this.cars.delete(car.id);
    }
  }

  touch(car) {
    car.known = true;
    car.search = `${car.name} ${car.vehicleId ?? ""} #${car.id}`.toLowerCase();
    this.version += 1;
  }

  remove(id) {
    this.version += 1;
    return this.cars.delete(id);
  }

  status({ id, collisions, level, fuel }) {
    const car = this.cars.get(id);
    if (car) Object.assign(car, { collisions, level, fuel });
  }

  /** A position. The car then glides there in the time its last step took. */
  move(id, mapId, x, y, now) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    const car = this.cars.get(id) ?? this.add(id, now);
    const memory =
      this.heardIds && !this.heardIds.has(id) && now < this.snapshotUntil;
    this.heardIds?.add(id);
    const elapsed = now - car.movedAt;
    const jump = Math.hypot(x - car.x, y - car.y);
    if (!car.placed || jump > TELEPORT || car.mapId !== mapId) {
      Object.assign(car, {
        placed: true, fromX: x, fromY: y, shownX: x, shownY: y,
        anchorX: x, anchorY: y, speed: 0,
      });
      car.trail.length = 0;
    } else {
      car.fromX = car.shownX;
      car.fromY = car.shownY;
      if (!memory && elapsed < 5000) {
        car.interval += (Math.max(elapsed, 50) - car.interval) * 0.2;
        car.speed += ((jump / Math.max(elapsed, 50)) * 1000 - car.speed) * 0.2;
      }
    }
    car.mapId = mapId;
    car.x = x;
    car.y = y;
    car.movedAt = now;
    car.heardAt = memory ? Math.max(car.heardAt, now - DOUBT) : now;
    this.turn(car);
  }

  turn(car) {
    const [dx, dy] = [car.x - car.anchorX, car.y - car.anchorY];
    if (Math.hypot(dx, dy) < HEADING_STEP) return;
    const first = car.heading === null;
    car.heading = Math.atan2(dy, dx);
    if (first) car.shownHeading = car.heading;
    car.anchorX = car.x;
    car.anchorY = car.y;
  }

  /** Where every car is drawn at this moment. */
  glide(now, elapsed) {
    const ease = Math.min(1, elapsed / 120);
    for (const car of this.cars.values()) {
      if (!car.placed) continue;
      const part = Math.min(1, (now - car.movedAt) / Math.min(car.interval * 1.15, 1500));
      car.shownX = car.fromX + (car.x - car.fromX) * part;
      car.shownY = car.fromY + (car.y - car.fromY) * part;
      if (car.heading !== null) {
        let turn = car.heading - car.shownHeading;
        turn -= Math.round(turn / (2 * Math.PI)) * 2 * Math.PI;
        car.shownHeading += turn * ease;
      }
      leaveTrail(car, now);
    }
  }

  isSilent(car, now) {
    return now - car.heardAt > SILENT_AFTER;
  }

  nameOf(id) {
    return this.cars.get(id)?.name || `#${id}`;
  }

  /** The map most cars are on; those heard lately count for more. */
  busiestMap(now) {
    const votes = new Map();
    for (const car of this.cars.values()) {
      if (!car.placed) continue;
      const weight = this.isSilent(car, now) ? 1 : 1000;
      votes.set(car.mapId, (votes.get(car.mapId) ?? 0) + weight);
    }
    return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
  }

  /** The frame around the cars of one map, or null. */
  bounds(mapId) {
    let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const car of this.cars.values()) {
      if (!car.placed || car.mapId !== mapId) continue;
      west = Math.min(west, car.x);
      east = Math.max(east, car.x);
      south = Math.min(south, car.y);
      north = Math.max(north, car.y);
    }
    return west <= east ? [west, south, east, north] : null;
  }
}
