// What the chat page shows: conversations, people, messages.
import { $, element, write } from "../../shared/elements.js";
import { fill, gettext, ngettext } from "../../shared/i18n.js";
import { face } from "../faces.js";
import { ALL, personKey } from "./rooms.js";

const NEAR = 80; // pixels from the end that count as being there
const language = document.documentElement.lang;
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(language, { dateStyle: "full" });

/** The list of conversations: `rooms` are [key, room], the present one is marked. */
export function showGroups(rooms, present) {
  const items = [[ALL, rooms.get(ALL)], ...rooms.of("group").sort(byName)];
  renew(
    $("groups"),
    items.map(([key, room]) => {
      const name = key === ALL ? gettext("Everybody") : room.name;
      const sign = key === ALL ? "∗" : "#";
      return item(key, present, room, [
        element("span", { class: "sign", "aria-hidden": "true" }, sign),
        element("span", { class: "name" }, name),
        room.members
          ? element("span", { class: "muted small" }, String(room.members))
          : null,
      ]);
    }),
  );
}

const byName = ([, one], [, other]) => one.name.localeCompare(other.name, language);

/** People by id: those online, and those a private conversation is open with. */
export function showPeople(rooms, people, me, present) {
  const ids = new Set([
    ...[...people.keys()].filter((id) => id !== me),
    ...rooms.of("person").map(([, room]) => room.name),
  ]);
  write($("people-count"), String([...people.keys()].length));
  const shown = [...ids].sort((a, b) => a.localeCompare(b, language));
  renew($("people"), [
    ...(people.has(me) ? [self(people.get(me), me)] : []),
    ...shown.map((id) => {
      const person = people.get(id);
      return item(personKey(id), present, rooms.get(personKey(id)), [
        portrait(person?.username ?? id, Boolean(person)),
        element("span", { class: "name" }, ...names(id, person)),
      ]);
    }),
  ]);
}

/** Change only what differs: a click must find the button that it began on. */
function renew(list, nodes) {
  nodes.forEach((node, index) => {
    const old = list.children[index];
    if (!old) list.append(node);
    else if (!old.isEqualNode(node)) old.replaceWith(node);
  });
  while (list.children.length > nodes.length) list.lastElementChild.remove();
}

function names(id, person) {
  if (!person || person.username === id) return [id];
  return [id, element("small", { class: "muted" }, ` ${person.username}`)];
}

const self = (person, me) =>
  element(
    "li",
    { class: "self" },
    portrait(person.username, true),
    element("span", { class: "name" }, me),
    element("span", { class: "muted small" }, gettext("you")),
  );

function portrait(name, online) {
  const made = face({ uname: name });
  made.classList.toggle("online", online);
  return made;
}

function item(key, present, room, parts) {
  const unread = room?.unread ?? 0;
  const label = fill(ngettext("%(count)s unread", "%(count)s unread", unread), {
    count: unread,
  });
  const button = element(
    "button",
    { type: "button", class: "room", "data-room": key, "aria-current": key === present && "true" },
    ...parts,
    unread
      ? element(
          "span",
          { class: "unread", "aria-label": label },
          unread > 99 ? "99+" : String(unread),
        )
      : null,
  );
  return element("li", {}, button);
}

/** The present conversation from its start. */
export function showRoom(key, room, people) {
  const title = key === ALL ? gettext("Everybody") : room.name;
  write($("room-title"), room.kind === "group" ? `# ${title}` : title);
  showAbout(key, room, people);
  $("messages").replaceChildren();
  showMessages(room, true);
}

export function showAbout(key, room, people) {
  const members = fill(ngettext("%(count)s member", "%(count)s members", room.members), {
    count: room.members,
  });
  const text = {
    all: gettext("Heard by everyone online, and not kept."),
    group: members,
    person: people.has(room.name)
      ? gettext("Between the two of you, and not kept.")
      : gettext("Not online: a message would not arrive."),
  }[room.kind];
  write($("room-about"), text);
}

/** Add what is new, where it belongs; stay at the end when one is there. */
export function showMessages(room, toEnd = false) {
  const pane = $("pane");
  const atEnd = toEnd || pane.scrollHeight - pane.scrollTop - pane.clientHeight < NEAR;
  const fromEnd = pane.scrollHeight - pane.scrollTop;
  const grewAbove = merge($("messages"), room.messages);
  $("older").hidden = !room.more;
  $("nothing").hidden = room.messages.length > 0 || (room.kind === "group" && !room.loaded);
  if (atEnd) pane.scrollTop = pane.scrollHeight;
  else if (grewAbove) pane.scrollTop = pane.scrollHeight - fromEnd;
  else $("newest").hidden = false;
  if (atEnd) $("newest").hidden = true;
}

function merge(list, messages) {
  let node = list.firstElementChild;
  let before = null;
  const first = node;
  for (const message of messages) {
    message.node ??= bubble(message);
    const node_ = message.node;
    mark(message);
    dress(node_, message, before);
    if (node_ === node) node = node.nextElementSibling;
    else list.insertBefore(node_, node);
    before = message;
  }
  return first !== null && list.firstElementChild !== first;
}

function bubble(message) {
  return element(
    "li",
    { class: message.mine ? "mine" : null },
    element("p", { class: "day" }),
    element("p", { class: "who muted small" }),
    element("p", { class: "text" }, message.text),
    element("p", { class: "fate small" }),
  );
}

/** The day and the name stand only where they change. */
function dress(node, message, before) {
  const [day, who] = node.children;
  const moment = new Date(message.sent_at);
  const isNewDay = !before || new Date(before.sent_at).toDateString() !== moment.toDateString();
  const goesOn =
    !isNewDay &&
    before.sender === message.sender &&
    moment - new Date(before.sent_at) < 300_000;
  write(day, isNewDay ? calendar.format(moment) : "");
  const name = message.sender ?? gettext("Server");
  write(who, goesOn ? "" : `${message.mine ? gettext("you") : name} · ${clock.format(moment)}`);
  node.classList.toggle("goes-on", goesOn);
}

/** What became of a message of one's own. */
function mark(message) {
  const fate = message.node.children[3];
  message.node.classList.toggle("failed", message.state === "failed");
  const words = {
    sending: gettext("Sending"),
    failed: gettext("Not delivered."),
  };
  write(fate, words[message.state] ?? "");
  if (message.state === "failed") {
    fate.append(
      " ",
      element("button", { type: "button", class: "quiet", "data-again": "" }, gettext("Send again")),
    );
  }
}

export function showUnread(count, elsewhere) {
  document.title = `${count ? `(${count}) ` : ""}${gettext("Chat")} · Madang`;
  $("unread-elsewhere").hidden = !elsewhere;
  write($("unread-elsewhere"), String(elsewhere));
}
