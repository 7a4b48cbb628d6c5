// The conversations of the page: everybody, groups, and one for each person.

export const ALL = "all";
export const groupKey = (name) => `group ${name}`;
export const personKey = (id) => `person ${id}`;

class Room {
  constructor(kind, name) {
    this.kind = kind; // "all", "group" or "person"
    this.name = name;
    this.messages = [];
    this.ids = new Set();
    this.unread = 0;
    this.members = 0;
    this.loaded = false; // its history has been asked for
    this.more = false; // there is earlier history
  }

  /** Put a message in its place, once; answers whether it is new. */
  add(message) {
    if (message.id === null) {
      this.messages.push(message);
      return true;
    }
    if (this.ids.has(message.id)) return false;
    this.ids.add(message.id);
    const after = this.messages.findLastIndex(
      ({ id }) => id === null || id < message.id,
    );
    this.messages.splice(after + 1, 0, message);
    return true;
  }

  get lastId() {
    return this.messages.findLast(({ id }) => id !== null)?.id ?? null;
  }

  get firstId() {
    return this.messages.find(({ id }) => id !== null)?.id ?? null;
  }
}

export class Rooms {
  constructor() {
    this.byKey = new Map([[ALL, new Room("all", "")]]);
  }

  get(key) {
    return this.byKey.get(key);
  }

  group(name) {
    return this.make(groupKey(name), "group", name);
  }

  person(id) {
    return this.make(personKey(id), "person", String(id));
  }

  make(key, kind, name) {
    if (!this.byKey.has(key)) this.byKey.set(key, new Room(kind, name));
    return this.byKey.get(key);
  }

  of(kind) {
    return [...this.byKey].filter(([, room]) => room.kind === kind);
  }

  get unread() {
    return [...this.byKey.values()].reduce((sum, room) => sum + room.unread, 0);
  }

  /** Where a message belongs; of private ones, `mine` are to the other. */
  place(message, me) {
    if (message.kind === "private" || message.kind === "server") {
      const other = message.sender === me ? message.to : message.sender;
      return other === null || other === undefined
        ? [ALL, this.get(ALL)]
        : [personKey(other), this.person(other)];
    }
    return message.group
      ? [groupKey(message.group), this.group(message.group)]
      : [ALL, this.get(ALL)];
  }
}
