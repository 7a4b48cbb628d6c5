// Makes a link for people without an account.
import { $, write } from "../../shared/elements.js";
import { fill, gettext } from "../../shared/i18n.js";

const language = document.documentElement.lang || undefined;
const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export function prepareSharing(rest, path) {
  $("share").addEventListener("click", () => $("share-dialog").showModal());
  $("make-link").addEventListener("click", async () => {
    const body = { hours: Number($("hours").value) };
    try {
      const made = await rest.call("POST", path(), { body });
      $("shared-url").value = made.url;
      $("shared-url").hidden = false;
      $("shared-url").select();
      const until = moment.format(new Date(made.expires_at));
      write($("share-said"), fill(gettext("It works until %(until)s."), { until }));
    } catch (error) {
      write($("share-said"), error.message);
    }
  });
}
