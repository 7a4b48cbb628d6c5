// Open chases, and how past ones ended; a runner's standing follows from them.

export class Chases {
  constructor() {
    this.open = new Map(); // runner id -> start, in this browser's time
    this.ended = new Map(); // runner id -> outcome of its latest chase
    this.ids = new Map(); // runner id -> id of its open chase, once the server told
  }

  /** skew: how far the server's clock is ahead of ours, in milliseconds. */
  load(chases, skew) {
    this.open.clear();
    this.ended.clear();
    this.ids.clear();
    const oldestFirst = [...chases].sort((a, b) =>
      a.started_at < b.started_at ? -1 : 1,
    );
    for (const chase of oldestFirst) {
      if (chase.ended_at) this.ended.set(chase.runner_id, chase.outcome);
      else {
        this.open.set(chase.runner_id, Date.parse(chase.started_at) - skew);
        this.ids.set(chase.runner_id, chase.id);
      }
    }
    for (const runner of this.open.keys()) this.ended.delete(runner);
  }

  start(runner) {
    this.ended.delete(runner);
    if (!this.open.has(runner)) this.open.set(runner, Date.now());
  }

  /** How long it took in milliseconds, or null when its start was not seen. */
  end(runner, outcome) {
    const started = this.open.get(runner);
    this.open.delete(runner);
    this.ids.delete(runner);
    this.ended.set(runner, outcome);
    return started === undefined ? null : Date.now() - started;
  }

  forget(runner) {
    this.open.delete(runner);
    this.ids.delete(runner);
    this.ended.delete(runner);
  }

  /** "chased", "caught" or "free". */
  standing(runner) {
    if (this.open.has(runner)) return "chased";
    return this.ended.get(runner) === "caught" ? "caught" : "free";
  }
}

/** 62_000 -> "1:02", 3_723_000 -> "1:02:03". */
export function clock(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [
    Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60,
  ];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
