// Chat sockets to try things with: each panel is one client, and shows every frame.
import { element, write } from "../../shared/elements.js";
import { fill, gettext } from "../../shared/i18n.js";
import { Rest } from "../../shared/rest.js";

const KEPT = 300;
const rest = new Rest(document.querySelector("[data-mount]").dataset.mount);

class Panel {
  constructor(root) {
    this.root = root;
    this.socket = null;
    this.part("connect").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.socket) this.socket.close();
      else this.connect();
    });
    this.part("say").addEventListener("submit", (event) => {
      event.preventDefault();
      this.say(this.text.value);
      this.text.value = "";
    });
    for (const button of root.querySelectorAll("[data-command]")) {
      button.addEventListener("click", () => this.command(button.dataset.command));
    }
  }

  part(name) {
    return this.root.querySelector(`[data-${name}]`);
  }

  get text() {
    return this.part("say").elements.text;
  }

  get address() {
    const { id, group } = this.part("connect").elements;
    const segments = [id.value, group.value].filter(Boolean).map(encodeURIComponent);
    return rest.socketUrl(["ws", ...segments].join("/"));
  }

  connect() {
    const socket = new WebSocket(this.address);
    this.socket = socket;
    this.show(gettext("Connecting"));
    socket.onopen = () => this.show(gettext("Connected"));
    socket.onmessage = ({ data }) => this.note("in", data);
    socket.onclose = ({ code }) => {
      this.socket = null;
      this.show(fill(gettext("Closed with %(code)s"), { code }));
    };
  }

  say(text) {
    if (this.socket?.readyState !== WebSocket.OPEN) {
      this.show(gettext("Not connected"));
      return;
    }
    this.socket.send(text);
    this.note("out", text);
  }

  /** What needs no argument is sent at once; for the others one writes on. */
  command(words) {
    if (!words.endsWith(" ")) {
      this.say(words);
      return;
    }
    this.text.value = words;
    this.text.focus();
  }

  show(state) {
    write(this.part("state"), state);
    const button = this.part("connect").querySelector("button");
    write(button, this.socket ? button.dataset.off : button.dataset.on);
  }

  note(direction, text) {
    const list = this.part("frames");
    const kind = text.startsWith("{") ? "json" : "line";
    list.append(element("li", { class: `${direction} ${kind}` }, text));
    while (list.children.length > KEPT) list.firstElementChild.remove();
    list.scrollTop = list.scrollHeight;
  }
}

for (const root of document.querySelectorAll("[data-panel]")) new Panel(root);
