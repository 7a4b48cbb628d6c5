// Faces of people: their picture, or the first letter of their name.
import { element } from "../shared/elements.js";

// A picture elsewhere would tell that place who looks at this page.
const OURS = /^(data:image\/|blob:|\/(?!\/))/;

/** Show a person's face in an element of class "avatar". */
export function show(target, name, picture) {
  if (picture && OURS.test(picture)) {
    const image = element("img", { src: picture, alt: "" });
    image.onerror = () => target.replaceChildren(letter(name));
    target.replaceChildren(image);
  } else target.replaceChildren(letter(name));
}

/** A new face of a person as the API describes one. */
export function face({ uname, uavatar }) {
  const made = element("span", { class: "avatar", "aria-hidden": "true" });
  show(made, uname, uavatar);
  return made;
}

const letter = (name) => [...(name || "?").trim()][0]?.toUpperCase() ?? "?";
