// The plans in force: where roadblocks are, and where their runners may go.

const ARRIVED = 15; // metres, as the server counts
const MOST_OFTEN = 700; // milliseconds between two questions about one chase

export class Plans {
  /** onChange() is called whenever something new is known. */
  constructor(api, chases, onChange) {
    Object.assign(this, { api, chases, onChange });
    this.byChase = new Map(); // chase id -> plan, with its heat
    this.trial = null; // a "what if" that stands in for its chase's plan on the map
    this.shown = true;
    this.askedAt = new Map();
    this.timers = new Map();
  }

  /** The chases that are open now: plans of others are over. */
  keep(chaseIds) {
    const open = new Set(chaseIds);
    for (const id of this.byChase.keys()) if (!open.has(id)) this.byChase.delete(id);
    for (const id of open) if (!this.byChase.has(id)) this.soon(id);
    this.onChange();
  }

  /** What the events' socket says in text. */
  hear(text) {
    let fact;
    try {
      fact = JSON.parse(text);
    } catch {
      return;
    }
    if (fact.type === "plan.changed") this.soon(fact.chase_id);
    // Posts that expire are followed by another plan, or by the end of the chase.
    if (fact.type !== "roadblock.changed" || fact.state === "expired") return;
    const plan = this.byChase.get(fact.chase_id);
    const post = plan?.roadblocks.find(({ id }) => id === fact.id);
    if (!post) return;
    post.state = fact.state;
    this.onChange();
  }

  soon(chaseId) {
    if (this.timers.has(chaseId)) return;
    const due = (this.askedAt.get(chaseId) ?? -Infinity) + MOST_OFTEN;
    const wait = Math.max(0, due - performance.now());
    this.timers.set(chaseId, setTimeout(() => this.fetch(chaseId), wait));
  }

  async fetch(chaseId) {
    this.timers.delete(chaseId);
    this.askedAt.set(chaseId, performance.now());
    try {
      const { body, skew } = await this.api.get(`chases/${chaseId}/plans`);
      const newest = body.plans.find((plan) => !plan.replaced_at);
      if (!newest) return;
      const found = await this.api.get(`chases/${chaseId}/plans/${newest.id}`);
      const before = this.byChase.get(chaseId);
      const plan = found.body;
      plan.lookedAt = Date.parse(plan.looked_at) - skew;
      plan.before = before?.id === plan.id ? before.before : before;
      if (plan.before) plan.before.before = null; // no longer chain than one
      this.byChase.set(chaseId, plan);
      this.onChange();
    } catch (error) {
      console.warn(error);
    }
  }

  /** What the map shows: all plans or none, and a trial in any case. */
  *drawn() {
    for (const [chaseId, plan] of this.byChase) {
      if (this.shown && chaseId !== this.trial?.chase_id) yield plan;
    }
    if (this.trial) yield this.trial;
  }

  /** The plan of an open chase by its runner, or undefined. */
  of(runnerId) {
    return this.byChase.get(this.chases.ids.get(runnerId));
  }
}

/** A confirmed order is no car on the spot: that is what its position says. */
export const isThere = (car, post) =>
  Boolean(car?.placed) && Math.hypot(car.x - post.x, car.y - post.y) <= ARRIVED;

/** Seconds until a car is at its post, of a trial when it was made; null: no way. */
export function secondsLeft(plan, post) {
  if (post.eta === null || plan.is_trial) return post.eta;
  return Math.max(0, post.eta - (Date.now() - plan.lookedAt) / 1000);
}

/** Posts that are still meant. */
export const posts = (plan) =>
  plan.roadblocks.filter(({ state }) => state !== "failed");
