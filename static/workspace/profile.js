// One's own name and picture. The password is an ordinary form.
import { $, say } from "../shared/elements.js";
import { gettext } from "../shared/i18n.js";
import { Rest } from "../shared/rest.js";
import { show } from "./faces.js";

const SIDE = 128; // pixels of a picture as it is stored

const rest = new Rest(document.querySelector("[data-mount]").dataset.mount);
const face = $("avatar");
const form = $("profile");
let changes = {};

show(face, face.dataset.name, face.dataset.picture);

/** The middle of a picture, small, as a data: URL. */
async function shrunk(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
  } finally {
    URL.revokeObjectURL(image.src);
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  const side = Math.min(width, height);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const [x, y] = [(width - side) / 2, (height - side) / 2];
  canvas.getContext("2d").drawImage(image, x, y, side, side, 0, 0, SIDE, SIDE);
  return canvas.toDataURL("image/webp", 0.85);
}

function wear(picture) {
  changes.uavatar = picture;
  show(face, $("uname").value, picture);
  $("no-picture").hidden = !picture;
}

$("picture").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (!file) return;
  try {
    wear(await shrunk(file));
    say(gettext("Save to keep this picture."));
  } catch {
    say(gettext("This file is no picture that can be read here."), "bad");
  }
});

$("no-picture").addEventListener("click", () => wear(null));

function complain(text) {
  $("uname-error").textContent = text;
  $("uname-error").hidden = !text;
  $("uname").toggleAttribute("aria-invalid", Boolean(text));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  complain("");
  const uname = $("uname").value.trim();
  if (!uname) return complain(gettext("Please give a name."));
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const body = { uname, ...changes };
    const person = await rest.call("PUT", "users/update-profile", { body });
    changes = {};
    show(face, person.uname, person.uavatar);
    document.querySelector(".who .name").textContent = person.uname;
    say(gettext("Saved."), "good");
  } catch (refused) {
    if (refused.field === "uname") complain(refused.message);
    else say(refused.message, "bad");
  } finally {
    button.disabled = false;
  }
});
