// The mock headset's page.

import { fill, gettext } from "../shared/i18n.js";
import { HeadsetSocket } from "./headset_socket.js";
import { madeUpRecording } from "./made_up.js";

const $ = (id) => document.getElementById(id);
const MOST_LINES = 500;
const RETRY_MS = 1500;

let test = { type: "BALANCEBALL" };
let source = "made";
let retry = 0;

const headset = new HeadsetSocket({
  onOpen() {
    show("live", gettext("connected"));
    headset.resume();
  },
  onClose(code, wanted) {
    show(wanted ? "warn" : "idle", gettext("disconnected"));
    note("bad", "×", fill(gettext("Closed with code %(code)s"), { code }));
    // 1006 also stands for a refused handshake, which waiting does not heal.
    if (wanted && headset.wasOpen && code !== 4401 && code !== 4404 && code !== 4409) {
      retry = setTimeout(connect, RETRY_MS);
    }
  },
  onFrame(action, data) {
    note(action === "s_error" ? "bad" : "in", "←", `${action} ${brief(data)}`);
    if (action === "s_start_diagnosis") begin(data);
    else if (action === "s_stop_diagnosis") begin(null);
    else if (action === "s_force_disconnect") headset.wanted = false;
    else if (action === "s_upload_done") $("progress").hidden = true;
  },
  onSent(action, data) {
    note("out", "→", `${action} ${brief(data)}`);
  },
});

function connect() {
  clearTimeout(retry);
  show("warn", gettext("connecting"));
  headset.open($("code").value.trim(), $("token").value.trim());
}

function show(kind, text) {
  const isOpen = headset.isOpen;
  if (isOpen) headset.wasOpen = true;
  $("state").className = `badge ${kind}`;
  $("state").textContent = text;
  $("connect").disabled = isOpen;
  for (const id of ["disconnect", "drop", "started", "failed", "upload"]) $(id).disabled = !isOpen;
}

function begin(order) {
  test = order ?? test;
  $("session").value = order?.diagnosis_id ?? "";
  $("order").textContent = order ? `${order.type} · ${order.level}` : "";
}

function brief(data) {
  if (!data) return "";
  const shown = { ...data };
  for (const name of ["file_content", "content"]) {
    if (name in shown) shown[name] = `… ${shown[name].length}`;
  }
  return JSON.stringify(shown);
}

function note(kind, sign, text) {
  const line = document.createElement("li");
  line.className = kind;
  const time = document.createElement("time");
  const now = new Date();
  time.dateTime = now.toISOString();
  time.textContent = `${now.toTimeString().slice(0, 8)}.${time.dateTime.slice(20, 23)}`;
  const mark = document.createElement("span");
  mark.textContent = sign;
  const words = document.createElement("code");
  words.textContent = text;
  line.append(time, mark, words);
  $("log").prepend(line);
  while ($("log").children.length > MOST_LINES) $("log").lastChild.remove();
}

const session = () => Number($("session").value);

async function upload() {
  const file = $("file").files[0];
  if (source === "file" && !file) {
    note("bad", "!", gettext("Choose a file first."));
    return;
  }
  const text = source === "file" ? await file.text() : madeUpRecording(test.type, Number($("seconds").value));
  if (!$("pieces").checked) {
    headset.send("c_upload_result", { diagnosis_id: session(), file_content: text });
    return;
  }
  const progress = $("progress");
  progress.hidden = false;
  progress.value = 0;
  const bytes = source === "file" ? new Uint8Array(await file.arrayBuffer()) : new TextEncoder().encode(text);
  await headset.sendInPieces(session(), bytes, (part) => (progress.value = part));
}

$("line").addEventListener("submit", (event) => {
  event.preventDefault();
  headset.wasOpen = false;
  connect();
});
$("disconnect").addEventListener("click", () => {
  clearTimeout(retry);
  headset.close();
});
$("drop").addEventListener("click", () => headset.close(true));
$("started").addEventListener("click", () => headset.send("c_diagnosis_started", { diagnosis_id: session() }));
$("failed").addEventListener("click", () => headset.send("c_diagnosis_failed", { diagnosis_id: session() }));
$("upload").addEventListener("click", () => upload().catch((error) => note("bad", "!", String(error))));
$("clear").addEventListener("click", () => $("log").replaceChildren());
for (const button of document.querySelectorAll("[data-source]")) {
  button.addEventListener("click", () => {
    source = button.dataset.source;
    for (const other of document.querySelectorAll("[data-source]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    $("file-label").hidden = source !== "file";
    $("seconds-label").hidden = source !== "made";
  });
}
