// One patient in the list, with the headset's state and what can be done.
import { element, write } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";
import { showHeadset } from "./headset_badge.js";
import { isLive } from "./words.js";

export class PatientRow {
  /** `act` has start, rename and remove, each called with the patient. */
  constructor(patient, page, act) {
    this.patient = patient;
    this.connected = false;
    this.headset = element("span");
    this.name = element("a", { class: "name", href: page });
    this.start = this.button(gettext("Start"), () => act.start(patient), "start");
    this.root = element(
      "li",
      { "data-patient": patient.id },
      this.headset,
      this.name,
      element("span", { class: "code" }, patient.code),
      element(
        "div",
        { class: "actions" },
        this.start,
        this.button(gettext("Rename"), () => act.rename(patient)),
        this.button(gettext("Remove"), () => act.remove(patient)),
      ),
    );
    this.rename(patient.name);
  }

  button(text, onClick, kind = "quiet") {
    const button = element("button", { type: "button", class: kind }, text);
    button.addEventListener("click", onClick);
    return button;
  }

  rename(name) {
    this.patient.name = name;
    write(this.name, name || gettext("(no name)"));
  }

  show(connected, session) {
    this.connected = connected;
    showHeadset(this.headset, connected);
    const busy = Boolean(session && isLive(session));
    this.start.disabled = !connected || busy;
    this.start.title = connected ? "" : gettext("Connect the headset first.");
    write(this.start, busy ? gettext("Test is live") : gettext("Start"));
  }

  focus() {
    this.name.focus();
  }
}
