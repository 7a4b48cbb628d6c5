// Bytes from the server to plain objects. Little-endian; the last 16 bytes are a
// signature made with a key that dashboards do not hold, so it is not checked here.
// Ids are database ids, except vehicleId, which the simulator chose.

const SIGNATURE = 16;
const POSITION = 12;
const LEVELS = ["normal", "half_destroyed", "complete_destroyed"];
const text = new TextDecoder();

const readers = {
  0xa2: [20, (view) => ({
    type: "registered",
    id: view.getUint32(1, true),
    vehicleId: view.getUint32(5, true),
    kind: view.getUint8(9) === 1 ? "runner" : "police",
    name: unpadded(view, 10, 10),
  })],
  0xa3: [5, (view) => ({ type: "removed", id: view.getUint32(1, true) })],
  0x10: [8, (view) => ({
    type: "status",
    id: view.getUint32(1, true),
    collisions: view.getUint8(5),
    level: LEVELS[view.getUint8(6)] ?? LEVELS[0],
    fuel: view.getUint8(7),
  })],
  0xf0: [10, (view) => ({ type: "run", runner: view.getUint32(1, true) })],
  0xfe: [9, (view) => pair("catch", view)],
  0xfd: [9, (view) => pair("failed", view)],
  0xf1: [5, (view) => ({ type: "closed", runner: view.getUint32(1, true) })],
  0x03: [2, (view) => ({ type: "trouble", code: view.getUint8(1) })],
};

function pair(type, view) {
  return { type, catcher: view.getUint32(1, true), runner: view.getUint32(5, true) };
}

function unpadded(view, offset, length) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length);
  const end = bytes.indexOf(0);
  return text.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** What a frame says, or null for one this page does not know. */
export function decode(buffer) {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < 1 + SIGNATURE) return null;
  const view = new DataView(buffer);
  const type = view.getUint8(0);
  if (type === 0x11) return positions(view);
  const [body, read] = readers[type] ?? [];
  return read && buffer.byteLength === body + SIGNATURE ? read(view) : null;
}

// Read in place: five thousand positions a second are not worth an object each.
function positions(view) {
  if (view.byteLength < 9 + SIGNATURE) return null;
  const mapId = view.getUint32(1, true);
  const count = view.getUint32(5, true);
  if (view.byteLength !== 9 + count * POSITION + SIGNATURE) return null;
  return {
    type: "positions",
    mapId,
    count,
    each(visit) {
      for (let i = 0, at = 9; i < count; i += 1, at += POSITION) {
        visit(
          view.getUint32(at, true),
          view.getFloat32(at + 4, true),
          view.getFloat32(at + 8, true),
        );
      }
    },
  };
}
