// Start a test: choose it, and cancel one's own that is live, if that is wanted.
import { $, ask, say } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";

export async function startTest(api, { id, name, code }) {
  const chosen = await ask($("start-dialog"), `${name} · ${code}`);
  if (!chosen) return;
  const body = { patient_id: id, type: chosen.type, level: Number(chosen.level) };
  try {
    await api.start(body).catch((error) => replace(api, body, error));
  } catch (error) {
    say(error.message, "bad");
  }
}

async function replace(api, body, refusal) {
  if (refusal.code !== "live_already") throw refusal;
  const own = await api.live().catch(() => null);
  if (!own) throw refusal; // another's session with this patient
  const yes = await ask(
    $("cancel-dialog"),
    gettext("You have a live test already. It is cancelled, then this one starts."),
  );
  if (!yes) return;
  await api.cancel(own.id);
  await api.start(body);
}
