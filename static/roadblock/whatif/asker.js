// One question at a time about a wish that keeps changing.

export class Asker {
  /** send(wish) answers a promise; busy is told by onBusy(bool). */
  constructor(send, { onAnswer, onTrouble, onBusy }) {
    Object.assign(this, { send, onAnswer, onTrouble, onBusy });
    this.next = null;
    this.turn = 0;
    this.busy = false;
  }

  /**
   * Ask once no other question is under way; of several that wait, the newest. An
   * answer under way is dropped, unless this wish is only `passing`: one of a drag
   * that goes on, which wants to see something meanwhile.
   */
  ask(wish, passing = false) {
    this.next = wish;
    if (!passing) this.turn += 1;
    if (!this.busy) this.run();
  }

  /** Forget what was asked. */
  drop() {
    this.next = null;
    this.turn += 1;
  }

  async run() {
    this.busy = true;
    this.onBusy(true);
    while (this.next) {
      const { next: wish, turn } = this;
      this.next = null;
      try {
        const answer = await this.send(wish);
        if (turn === this.turn) this.onAnswer(answer, wish);
      } catch (error) {
        if (turn === this.turn) this.onTrouble(error);
      }
    }
    this.busy = false;
    this.onBusy(false);
  }
}
