// The doctors' first page: patients, their headsets, and the tests that run.
import { $, ask, say, write } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { api } from "./api.js";
import { ClinicLine } from "./clinic_line.js";
import { LiveTests } from "./live_tests.js";
import { PatientRow } from "./patient_row.js";
import { startTest } from "./start.js";

const rows = new Map(); // by id, in the order of the list
const soughtFor = new Set(); // patients of whom we heard before we knew them
let onlyConnected = false;

const line = new ClinicLine(api, changed);
const tests = new LiveTests({ api, line, nameOf: (id) => rows.get(id)?.patient ?? null });

const act = { start: (patient) => startTest(api, patient), rename, remove };

async function load() {
  try {
    const patients = await api.patients();
    rows.clear();
    for (const patient of patients) put(patient);
    $("patients").replaceChildren(...[...rows.values()].map(({ root }) => root));
    changed();
  } catch (error) {
    say(error.message, "bad");
  }
  $("patients").removeAttribute("aria-busy");
}

function put(patient) {
  const row = new PatientRow(patient, api.patientPage(patient.id), act);
  rows.set(patient.id, row);
  return row;
}

function changed() {
  const heardOf = [...line.headsets, ...[...line.sessions.values()].map((s) => s.patient_id)];
  const unknown = heardOf.filter((id) => !rows.has(id) && !soughtFor.has(id));
  if (unknown.length && !$("patients").hasAttribute("aria-busy")) {
    // Added on another page, or by another program.
    for (const id of unknown) soughtFor.add(id);
    load();
  }
  const testing = new Map();
  for (const session of line.sessions.values()) testing.set(session.patient_id, session);
  for (const [id, row] of rows) row.show(line.headsets.has(id), testing.get(id));
  tests.show();
  sift();
}

const plain = (text) => text.normalize("NFC").toLocaleLowerCase();

function sift() {
  const sought = plain($("search").value.trim());
  let shown = 0;
  for (const { patient, root, connected } of rows.values()) {
    const fits = plain(`${patient.name}\n${patient.code}`).includes(sought);
    root.hidden = !fits || (onlyConnected && !connected);
    if (!root.hidden) shown += 1;
  }
  const counted = fill(gettext("%(shown)s of %(all)s patients"), { shown, all: rows.size });
  write($("count"), rows.size ? counted : "");
  $("none").hidden = shown > 0 || $("patients").hasAttribute("aria-busy");
  write(
    $("none"),
    rows.size ? gettext("No patient fits.") : gettext("No patients yet: add the first one."),
  );
}

$("search").addEventListener("input", sift);
for (const button of document.querySelectorAll("[data-connected]")) {
  button.addEventListener("click", () => {
    onlyConnected = button.dataset.connected === "true";
    for (const other of document.querySelectorAll("[data-connected]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    sift();
  });
}

$("add").addEventListener("click", async () => {
  const values = await ask($("add-dialog"), "");
  if (!values) return;
  try {
    const patient = await api.add(values.name.trim(), values.code.trim());
    $("search").value = "";
    $("patients").append(put(patient).root);
    changed();
    rows.get(patient.id).focus();
    say(fill(gettext("Added with the code %(code)s."), patient), "good");
  } catch (error) {
    say(error.message, "bad");
  }
});

async function rename(patient) {
  const dialog = $("rename-dialog");
  dialog.querySelector("input").defaultValue = patient.name;
  const values = await ask(dialog, patient.code);
  if (!values) return;
  try {
    rows.get(patient.id).rename((await api.rename(patient.id, values.name.trim())).name);
    changed();
  } catch (error) {
    say(error.message, "bad");
  }
}

async function remove(patient) {
  if (!(await ask($("remove-dialog"), `${patient.name} · ${patient.code}`))) return;
  try {
    await api.remove(patient.id);
    rows.get(patient.id).root.remove();
    rows.delete(patient.id);
    changed();
    say(gettext("Removed."), "good");
    $("search").focus();
  } catch (error) {
    say(error.message, "bad");
  }
}

load();
