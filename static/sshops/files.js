// The files of one server: look through its folders; send, fetch and share files.
import { $, ask, element, say, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { bytes, FileCard } from "./file_cards.js";
import { Upload } from "./uploads.js";

export class Files {
  constructor(rest, { onRun }) {
    this.rest = rest;
    this.onRun = onRun; // called with a run that was asked for
    this.path = "";
    this.items = [];
    this.server = $("files-server");
    this.server.addEventListener("change", () => this.open("."));
    $("files-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.open($("files-path").value || ".");
    });
    $("files-upload").addEventListener("change", ({ target }) => {
      const chosen = [...target.files];
      target.value = "";
      for (const file of chosen) this.upload(file);
    });
    $("files-send").addEventListener("click", () => this.choose());
    $("shared-search").addEventListener("input", () => this.searchSoon());
    $("shared-close").addEventListener("click", () => $("shared").close());
  }

  offer(servers) {
    const names = servers.filter((server) => server.is_active).map(({ name }) => name);
    const chosen = this.server.value;
    this.server.replaceChildren(
      ...names.map((name) => element("option", { value: name }, name)),
    );
    if (names.includes(chosen)) this.server.value = chosen;
  }

  get base() {
    return `servers/${this.server.value}`;
  }

  /** Show a folder; the server's answer tells its whole path. */
  async open(path) {
    if (!this.server.value) return;
    write($("files-state"), gettext("Looking …"));
    try {
      const found = await this.rest.call("GET", `${this.base}/folder`, {
        query: { path },
      });
      this.path = found.path;
      this.items = found.items;
      $("files-path").value = found.path;
      $("files-rows").replaceChildren(...this.rows());
      $("files-table").hidden = $("files-here").hidden = false;
      write($("files-state"), this.state(found));
    } catch (error) {
      write($("files-state"), error.message);
    }
  }

  /** Look again at what is shown: something has come, perhaps. */
  refresh() {
    if (this.path) this.open(this.path);
  }

  state({ items, has_more }) {
    if (has_more) return gettext("There is more here than is shown.");
    return items.length ? "" : gettext("This folder is empty.");
  }

  at(name) {
    return this.path.endsWith("/") ? this.path + name : `${this.path}/${name}`;
  }

  rows() {
    const up = { name: "..", kind: "folder", size: 0 };
    const items = this.path === "/" ? this.items : [up, ...this.items];
    return items.map((item) => {
      const isFile = item.kind === "file";
      return element(
        "tr",
        {},
        element("td", { class: "file-name" }, this.name(item)),
        element("td", { class: "number" }, isFile ? bytes(item.size) : ""),
        element("td", {}, isFile ? this.actions(item) : ""),
      );
    });
  }

  name(item) {
    if (item.kind !== "folder") return item.name;
    const folder = element("button", { type: "button", class: "quiet" }, `${item.name}/`);
    folder.addEventListener("click", () => this.open(this.at(item.name)));
    return folder;
  }

  actions({ name }) {
    const path = this.at(name);
    const download = element(
      "a",
      {
        href: this.rest.url(`${this.base}/file`, { path }).href,
        download: name,
        role: "button",
        class: "outline",
        "aria-label": fill(gettext("Download %(name)s"), { name }),
      },
      gettext("Download"),
    );
    const share = element(
      "button",
      {
        type: "button",
        class: "quiet",
        "aria-label": fill(gettext("Copy %(name)s to the shared files"), { name }),
      },
      gettext("To shared files"),
    );
    share.addEventListener("click", () => this.order("fetch", { path }));
    return element("div", { class: "buttons" }, download, share);
  }

  async order(what, body) {
    try {
      this.onRun(await this.rest.call("POST", `${this.base}/${what}`, { body }));
    } catch (error) {
      say(error.message, "bad");
    }
  }

  /** Tell whether a name may be taken here: it is free, or to be replaced. */
  async isFree(name) {
    if (!this.items.some((item) => item.name === name)) return true;
    const text = gettext("%(name)s is there already. Replace it?");
    return (await ask($("replace"), fill(text, { name }))) !== null;
  }

  // From this computer

  async upload(file) {
    const { path, base } = this;
    if (!(await this.isFree(file.name))) return;
    const card = new FileCard(`${file.name} → ${this.server.value}:${path}`);
    $("files-uploads").append(card.node);
    const upload = new Upload(this.rest, base, this.at(file.name), file, card);
    if ((await upload.send()) && this.path === path) this.open(path);
  }

  // From the shared files

  choose() {
    $("shared-search").value = "";
    $("shared").showModal();
    this.search();
  }

  searchSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), 250);
  }

  async search() {
    try {
      const { items } = await this.rest.call("GET", "shared-files", {
        query: { search: $("shared-search").value, limit: 50 },
      });
      $("shared-list").replaceChildren(...items.map((item) => this.choice(item)));
      $("shared-nothing").hidden = items.length > 0;
    } catch (error) {
      say(error.message, "bad");
    }
  }

  choice(item) {
    const button = element(
      "button",
      { type: "button", class: "quiet" },
      element("span", {}, item.name),
      element("span", { class: "small muted" }, bytes(item.size)),
    );
    button.addEventListener("click", async () => {
      $("shared").close();
      if (!(await this.isFree(item.name))) return;
      this.order("send", { shared_file: item.id, path: this.at(item.name) });
    });
    return element("li", {}, button);
  }
}
