// The files' page: drop, list, look, delete.
import { $, ask, element, say } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { Rest } from "../shared/rest.js";
import { moment, size } from "./amounts.js";
import { show, showUnfinished } from "./going.js";
import { Queue } from "./sending.js";

const PAGE = 50;
const WITHOUT = "N/A"; // the API's word for no description

const { mount, me } = document.querySelector("[data-mount]").dataset;
const page = $("files").dataset;
const rest = new Rest(mount);
let shown = PAGE;

// The list

async function list() {
  try {
    // One more than is shown tells whether there are more.
    const query = { limit: shown + 1 };
    const { files } = await rest.call("GET", "api/files", { query });
    $("list").replaceChildren(...files.slice(0, shown).map(item));
    $("list").setAttribute("aria-busy", "false");
    $("nothing").hidden = files.length > 0;
    $("more").hidden = files.length <= shown;
  } catch (refused) {
    say(refused.message, "bad");
  }
}

function item(file) {
  const isMine = file.owner === me;
  const mayDelete = "mayWrite" in page && (isMine || "staff" in page);
  const link = element(
    "a",
    { href: rest.url(file.path).pathname, download: file.original_filename },
    file.original_filename,
  );
  const facts = [
    size(file.size),
    isMine ? gettext("yours") : file.owner_name,
    moment(file.uploaded_at),
  ];
  const said = file.description !== WITHOUT && file.description;
  return element(
    "li",
    { "data-name": file.filename },
    thumb(file),
    element(
      "div",
      { class: "about" },
      link,
      said ? element("p", { class: "said" }, said) : null,
      element("p", {}, facts.join(" · ")),
    ),
    mayDelete ? deleteButton(file) : null,
  );
}

function thumb(file) {
  if (!file.content_type.startsWith("image/")) {
    const ending = file.filename.split(".")[1] ?? "";
    return element("span", { class: "thumb", "aria-hidden": "true" }, ending.slice(0, 5).toUpperCase() || "–");
  }
  const picture = element("img", { src: rest.url(file.path).pathname, alt: "", loading: "lazy" });
  const label = fill(gettext("Look at %(name)s"), { name: file.original_filename });
  const button = element("button", { type: "button", class: "thumb", "aria-label": label }, picture);
  button.addEventListener("click", () => look(file));
  return button;
}

function look(file) {
  $("preview-name").textContent = file.original_filename;
  $("preview-picture").src = rest.url(file.path).pathname;
  $("preview-said").textContent = file.description === WITHOUT ? "" : file.description;
  $("preview").showModal();
}

$("preview").addEventListener("click", ({ target }) => {
  if (target === $("preview")) $("preview").close(); // beside the picture
});

function deleteButton(file) {
  const label = fill(gettext("Delete %(name)s"), { name: file.original_filename });
  const button = element("button", { type: "button", class: "quiet", "aria-label": label }, gettext("Delete"));
  button.addEventListener("click", async () => {
    if (!(await ask($("delete-dialog"), file.original_filename))) return;
    button.disabled = true;
    try {
      await rest.call("DELETE", `api/files/${file.filename}`);
      say(gettext("Deleted."), "good");
    } catch (refused) {
      say(refused.message, "bad");
    }
    await list();
  });
  return button;
}

$("more").addEventListener("click", () => {
  shown += PAGE;
  list();
});

document.addEventListener("visibilitychange", () => document.hidden || list());
list();

// What is dropped here

function listen(queue) {
  const drop = $("drop");

  const add = (files) => {
    for (const file of files) {
      if (file.size > Number(page.most)) {
        say(fill(gettext("%(name)s is too large."), { name: file.name }), "bad");
      } else queue.add(file, $("description").value.trim());
    }
    if (files.length) $("description").value = "";
  };

  $("choose").addEventListener("change", ({ target }) => {
    add(target.files);
    target.value = "";
  });
  // Anywhere on the page: a file beside the frame must not replace the page.
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) drop.classList.remove("over");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    add([...event.dataTransfer.items].filter(isFile).map((entry) => entry.getAsFile()));
  });
  addEventListener("paste", ({ clipboardData }) => add(clipboardData.files));
}

/** No folders: they come as files that cannot be read. */
const isFile = (entry) =>
  entry.kind === "file" && entry.webkitGetAsEntry?.()?.isDirectory !== true;

if ("mayWrite" in page) {
  const queue = new Queue(rest.url("api/tus/").href, (sending) => {
    show(sending);
    if (sending.state === "done") {
      say(fill(gettext("%(name)s is here."), { name: sending.file.name }), "good");
      list();
    }
  });
  listen(queue);
  showUnfinished();
}
