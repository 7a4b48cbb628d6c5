// The servers as cards: live health, latency, and what one may do there.
import { $, element, say } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";

const READ_EVERY = 30_000;
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 120;
const HEIGHT = 28;

export class Board {
  constructor(rest, stub, { mayType, onTerminal, onCommand }) {
    this.rest = rest;
    this.stub = stub;
    this.mayType = mayType;
    this.hooks = { onTerminal, onCommand };
    this.servers = [];
    this.latencies = {};
    this.listeners = [];
    for (const type of ["server_health", "lock_status"]) {
      stub.on(type, () => this.draw());
    }
    stub.on("welcome", () => this.read());
    $("server-search").addEventListener("input", () => this.draw());
    this.read();
    setInterval(() => document.hidden || this.read(), READ_EVERY);
  }

  /** Call a function with the servers whenever they were read. */
  whenRead(listener) {
    this.listeners.push(listener);
  }

  async read() {
    try {
      const [page, pulse] = await Promise.all([
        this.rest.call("GET", "servers", { query: { limit: 1000 } }),
        this.rest.call("GET", "latencies"),
      ]);
      this.servers = page.items;
      this.latencies = pulse.latencies;
      $("checks-missing").hidden = pulse.are_checks_running;
    } catch (error) {
      if (!this.servers.length) say(error.message, "bad");
      return;
    }
    for (const listener of this.listeners) listener(this.servers);
    this.draw();
  }

  draw() {
    const wanted = $("server-search").value.trim().toLowerCase();
    const shown = this.servers.filter(
      ({ name, host, description, tags }) =>
        !wanted ||
        [name, host, description, ...(tags ?? [])].some((text) =>
          text?.toLowerCase().includes(wanted),
        ),
    );
    $("servers").replaceChildren(...shown.map((server) => this.card(server)));
    $("servers-nothing").hidden = this.servers.length > 0;
  }

  card(server) {
    const health = this.stub.health[server.name] ?? server.health;
    const state = stateOf(server, health);
    const open = this.button(gettext("Terminal"), () => this.hooks.onTerminal(server.name));
    const run = this.button(gettext("Command"), () => this.hooks.onCommand(server.name));
    run.classList.add("outline");
    open.disabled = run.disabled = !this.mayType || server.is_active === false;
    const holder = this.stub.locks[server.name];
    return element(
      "li",
      { class: "card server", "data-name": server.name },
      element(
        "header",
        {},
        element("h2", {}, server.name),
        element("span", { class: `badge ${state.kind}` }, state.word),
      ),
      element("p", { class: "small" }, `${server.host}:${server.port}`),
      server.description ? element("p", { class: "small" }, server.description) : null,
      element(
        "div",
        { class: "pulse" },
        sparkline(this.latencies[server.name] ?? []),
        element("span", { class: "muted small" }, checkedWords(health)),
      ),
      holder
        ? element("p", { class: "small" }, gettext("A command is running here."))
        : null,
      element("div", { class: "buttons" }, open, run),
    );
  }

  button(text, action) {
    const made = element("button", { type: "button" }, text);
    made.addEventListener("click", action);
    return made;
  }
}

function stateOf(server, health) {
  if (server.is_active === false) return { kind: "idle", word: gettext("not in use") };
  if (!health?.last_checked) return { kind: "idle", word: gettext("not checked yet") };
  return health.is_healthy
    ? { kind: "live", word: gettext("healthy") }
    : { kind: "down", word: gettext("unhealthy") };
}

function checkedWords(health) {
  if (!health?.last_checked) return "";
  const time = new Date(health.last_checked).toLocaleTimeString(
    document.documentElement.lang,
  );
  return fill(gettext("checked at %(time)s"), { time });
}

/** Latencies as a line; a failed check is a gap. */
function sparkline(latencies) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("class", "sparkline");
  svg.setAttribute("role", "img");
  const known = latencies.filter((value) => value !== null);
  const newest = known.at(-1);
  svg.setAttribute(
    "aria-label",
    newest === undefined
      ? gettext("No latency is known yet")
      : fill(gettext("Latency %(ms)s ms"), { ms: newest.toFixed(1) }),
  );
  const top = Math.max(...known, 1);
  const step = WIDTH / Math.max(latencies.length - 1, 1);
  let path = "";
  let isDrawing = false;
  latencies.forEach((value, index) => {
    if (value === null) {
      isDrawing = false;
      return;
    }
    const y = HEIGHT - 2 - (value / top) * (HEIGHT - 4);
    path += `${isDrawing ? "L" : "M"}${(index * step).toFixed(1)} ${y.toFixed(1)}`;
    isDrawing = true;
  });
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path || "M0 0");
  svg.append(line);
  if (newest !== undefined) {
    const title = document.createElementNS(SVG, "title");
    title.textContent = `${newest.toFixed(1)} ms`;
    svg.append(title);
  }
  return svg;
}
