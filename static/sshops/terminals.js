// Terminals in tabs: one's own, found again after a reload; others' to look on.
import { $, element, say } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { Shell } from "./shell.js";

const LOOK_EVERY = 15_000;

export class Terminals {
  /** `me` is the user's address; onOpen() asks the page to show this part. */
  constructor(rest, { me, onOpen }) {
    this.rest = rest;
    this.me = me;
    this.onOpen = onOpen;
    this.shells = new Map();
    this.current = null;
    this.refresh(true);
    setInterval(() => document.hidden || this.refresh(), LOOK_EVERY);
    // A page that is kept for the way back would keep its sockets, and with them the
    // right to type.
    addEventListener("pagehide", () => {
      for (const shell of this.shells.values()) shell.socket?.end();
    });
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  }

  async open(server) {
    const body = { server, ...sizeGuess() };
    try {
      this.select(this.add(await this.rest.call("POST", "terminals", { body })));
    } catch (error) {
      say(error.message, "bad");
    }
  }

  /** At first own terminals become tabs; what is in no tab is listed below. */
  async refresh(first = false) {
    let items;
    try {
      ({ items } = await this.rest.call("GET", "terminals"));
    } catch {
      return; // the next round asks again
    }
    if (first) {
      const own = items.filter(({ user }) => user === this.me).reverse();
      for (const row of own) this.add(row);
      const free = own.find((row) => !row.is_attached && row.state === "live");
      if (free) this.select(this.shells.get(free.id));
    }
    this.showOthers(items.filter(({ id }) => !this.shells.has(id)));
  }

  add(row, watches = false) {
    const shell = new Shell(this.rest, row, {
      watches,
      onState: () => this.draw(),
      onEnd: () => this.draw(),
    });
    shell.panel.hidden = true;
    this.shells.set(row.id, shell);
    $("shells").append(shell.panel);
    this.draw();
    return shell;
  }

  select(shell) {
    this.current = shell;
    for (const other of this.shells.values()) other.panel.hidden = other !== shell;
    this.draw();
    this.onOpen();
    shell.open();
  }

  /** Close the tab alone: the shell lives on, unless it has ended. */
  close(shell) {
    if (!shell.over && !shell.watches) {
      say(gettext("It goes on without you; you find it in the list below."));
    }
    shell.dispose();
    this.shells.delete(shell.id);
    if (this.current === shell) this.current = null;
    this.draw();
    this.refresh();
  }

  draw() {
    const tabs = [...this.shells.values()].map((shell) => this.tab(shell));
    $("shell-tabs").replaceChildren(...tabs);
    $("shells-nothing").hidden = this.current !== null;
  }

  tab(shell) {
    const choose = element(
      "button",
      {
        type: "button",
        role: "tab",
        "aria-selected": String(shell === this.current),
        "data-state": shell.over ? "ended" : (shell.socket?.state ?? "idle"),
      },
      element("span", { class: "dot", "aria-hidden": "true" }),
      shell.row.server,
      shell.watches ? ` · ${shell.row.user}` : "",
    );
    choose.addEventListener("click", () => this.select(shell));
    const close = element(
      "button",
      {
        type: "button",
        class: "close",
        "aria-label": fill(gettext("Close the tab of %(server)s"), {
          server: shell.row.server,
        }),
      },
      "×",
    );
    close.addEventListener("click", () => this.close(shell));
    return element("li", { role: "presentation" }, choose, close);
  }

  showOthers(rows) {
    $("others").hidden = rows.length === 0;
    $("others-list").replaceChildren(...rows.map((row) => this.other(row)));
  }

  other(row) {
    const button = (text, action) => {
      const made = element("button", { type: "button", class: "quiet" }, text);
      made.addEventListener("click", action);
      return made;
    };
    const isOwn = row.user === this.me;
    const open = () => {
      this.select(this.add(row, !isOwn));
      this.refresh();
    };
    const end = async () => {
      await this.rest
        .call("DELETE", `terminals/${row.id}`)
        .catch((error) => say(error.message, "bad"));
      this.refresh();
    };
    return element(
      "li",
      {},
      element("span", {}, `${row.user} · ${row.server}`),
      isOwn || row.state === "live"
        ? button(isOwn ? gettext("Open") : gettext("Watch"), open)
        : null,
      button(gettext("End"), end),
    );
  }
}

/** About what the screen will hold; the true size follows at once. */
const sizeGuess = () =>
  innerWidth < 640 ? { cols: 44, rows: 24 } : { cols: 120, rows: 30 };
