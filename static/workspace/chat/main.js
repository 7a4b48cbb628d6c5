// The chat page: one socket, many conversations.
import { $, say } from "../../shared/elements.js";
import { gettext } from "../../shared/i18n.js";
import { showLink, tendLink } from "../../shared/link.js";
import { Rest } from "../../shared/rest.js";
import { ChatLine } from "./line.js";
import { ALL, Rooms, groupKey, personKey } from "./rooms.js";
import { showAbout, showGroups, showMessages, showPeople, showRoom, showUnread } from "./view.js";

const PAGE = 50;
const NEWEST = "9007199254740991";
const GIVE_UP = 8000; // a message that has not come back by then
const REMEMBERED = "madang.chat.room";

const workspace = document.querySelector("[data-mount]");
const rest = new Rest(workspace.dataset.mount);
const uid = workspace.dataset.me;
const rooms = new Rooms();
let people = new Map();
let privately = []; // one's own private messages, until the server answers each

// A reload comes back to where one was.
const last = remembered();
let present = last?.startsWith("group ") ? last : ALL;
const group = present === ALL ? null : rooms.group(last.slice("group ".length)).name;
const line = new ChatLine(rest, { name: $("chat").dataset.name, uid, group }, {
  onList: hearList,
  onGroups: hearGroups,
  onMessage: hear,
  onActivity: hearActivity,
  onLine: hearLine,
  onState: showLink,
  mayRetry: () =>
    rest.call("GET", "users/me").then(
      () => true,
      ({ status }) => status !== 401,
    ),
});
tendLink(() => line.link);

// What comes in

function hearList(clients) {
  people = new Map();
  for (const { original_client_id: id, user } of clients) {
    if (id !== null) people.set(String(id), user);
  }
  drawPeople();
}

function hearGroups(groups) {
  for (const [, room] of rooms.of("group")) room.members = 0;
  for (const { name, member_count: count } of groups) rooms.group(name).members = count;
  draw();
}

function hear(message) {
  message.mine = message.user_id === uid && message.kind !== "private";
  const [key, room] = rooms.place(message, line.me);
  if (message.mine) settle(room, message);
  if (!room.add(message)) return;
  if (key === groupKey(line.group)) line.remember(room.lastId);
  if (key === present) {
    showMessages(room, message.mine);
    read();
  }
  if (!message.mine && (key !== present || document.hidden)) room.unread += 1;
  draw();
}

/** A message of one's own has come back. */
function settle(room, message) {
  const mine = room.messages.find(
    ({ state, text }) => state && text === message.text,
  );
  if (mine) drop(room, mine);
}

function drop(room, message) {
  clearTimeout(message.timer);
  message.node?.remove();
  room.messages = room.messages.filter((other) => other !== message);
}

function hearActivity(groups) {
  for (const { name, count } of groups) {
    const key = groupKey(name);
    if (key !== groupKey(line.group)) rooms.group(name).unread += count;
  }
  draw();
}

function hearLine(text) {
  if (text.startsWith("Message sent to client '")) privately.shift()?.done("sent");
  else if (text.startsWith("Failed to send to client '")) privately.shift()?.done("failed");
  else if (text.startsWith("Failed") || text.startsWith("Invalid")) say(text, "bad");
  else if (text.startsWith("Connected as client")) reconnected();
}

/** Private messages in flight when the line broke may or may not have arrived. */
function reconnected() {
  for (const message of privately.splice(0)) message.done("failed");
  askForGroups();
  const room = rooms.get(groupKey(line.group));
  if (room && room.lastId === null) load(room); // there was nothing to resume after
}

// History and read marks

/** The latest messages, or those since the last one that is here. */
async function load(room) {
  room.loaded = true;
  try {
    let page;
    do {
      const after = room.lastId;
      page = await history(room, after ? { after } : { before: NEWEST, limit: PAGE });
      if (!after) room.more = page.more;
    } while (page.after && page.more);
  } catch (refused) {
    room.loaded = false;
    say(refused.message, "bad");
    return;
  }
  if (rooms.get(present) === room) {
    showMessages(room, true);
    read();
  }
  if (line.group === room.name) line.remember(room.lastId);
}

async function loadEarlier(room) {
  try {
    const page = await history(room, { before: room.firstId, limit: PAGE });
    room.more = page.more;
    if (rooms.get(present) === room) showMessages(room);
  } catch (refused) {
    say(refused.message, "bad");
  }
}

async function history(room, query) {
  const path = `api/ws/groups/${encodeURIComponent(room.name)}/messages`;
  const page = await rest.call("GET", path, { query });
  for (const message of page.messages) {
    message.mine = message.user_id === uid;
    room.add(message);
  }
  return { ...page, after: query.after };
}

async function askForGroups() {
  try {
    for (const { name, unread } of await rest.call("GET", "api/chat/groups")) {
      const room = rooms.group(name);
      if (groupKey(name) !== present) room.unread = Math.max(room.unread, unread);
    }
    draw();
  } catch {
    // the groups with members come by the socket all the same
  }
}

let marking;

/** What is shown has been read; the server is told now and then. */
function read() {
  const room = rooms.get(present);
  if (document.hidden) return;
  room.unread = 0;
  if (room.kind !== "group" || room.lastId === null || room.lastId === room.marked) return;
  clearTimeout(marking);
  marking = setTimeout(() => {
    room.marked = room.lastId;
    const path = `api/chat/groups/${encodeURIComponent(room.name)}/read`;
    rest.call("PUT", path, { body: { last_id: room.lastId } }).catch(() => {});
  }, 500);
}

// Going from one conversation to another

function enter(key) {
  const room = rooms.get(key);
  if (!room) return;
  present = key;
  remember(key);
  if (room.kind !== "person") move(room);
  room.unread = 0;
  showRoom(key, room, people);
  draw();
  fold(false);
  if (room.kind === "group" && !room.loaded) load(room);
  read();
  if (matchMedia("(hover: hover)").matches) $("text").focus();
}

/** Be in the group of the room, or in none. */
function move(room) {
  const group = room.kind === "group" ? room.name : null;
  if (group === line.group) return;
  line.move(group, room.lastId);
  room.loaded = false; // what was said meanwhile is in the history alone
}

function remember(key) {
  try {
    sessionStorage.setItem(REMEMBERED, key);
  } catch {
    // only for a reload, where the browser allows it
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

// Speaking

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.replace(/\s+$/, "");
  if (!text) return;
  if (!line.isOpen) {
    say(gettext("Not connected. Your text stays here; send it when the line is back."), "bad");
    return;
  }
  $("text").value = "";
  grow();
  speak(rooms.get(present), text);
});

function speak(room, written) {
  // A slash would make it a command, where there is none before it.
  const text = room.kind === "all" && written.startsWith("/") ? ` ${written}` : written;
  const message = {
    id: null,
    sender: line.me,
    user_id: uid,
    mine: true,
    text,
    sent_at: new Date().toISOString(),
    state: "sending",
    room,
  };
  message.done = (state) => {
    clearTimeout(message.timer);
    message.state = state;
    if (rooms.get(present) === room) showMessages(room);
  };
  const sent = {
    group: () => line.send(`/group ${text}`),
    person: () => line.send(`/send_to ${room.name} ${text}`),
    all: () => line.send(text),
  }[room.kind]();
  if (room.kind === "person") privately.push(message);
  message.timer = setTimeout(() => message.done("failed"), GIVE_UP);
  if (!sent) message.done("failed");
  room.add(message);
  showMessages(room, true);
}

$("messages").addEventListener("click", ({ target }) => {
  if (!target.closest("[data-again]")) return;
  const room = rooms.get(present);
  const message = room.messages.find(({ node }) => node?.contains(target));
  if (!message || !line.isOpen) return;
  drop(room, message);
  speak(room, message.text);
});

$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
});
$("text").addEventListener("input", grow);

function grow() {
  const field = $("text");
  field.rows = Math.min(6, field.value.split("\n").length);
}

// Drawing, at most once a frame

let drawing = false;

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    showGroups(rooms, present);
    drawPeople();
  });
}

function drawPeople() {
  keepFocus(() => showPeople(rooms, people, line.me, present));
  showAbout(present, rooms.get(present), people);
  const here = rooms.get(present).unread;
  showUnread(rooms.unread, rooms.unread - here);
}

/** Lists are drawn anew; who walks through them by keyboard stays where they are. */
function keepFocus(change) {
  const key = document.activeElement?.dataset?.room;
  change();
  if (key) document.querySelector(`[data-room="${CSS.escape(key)}"]`)?.focus();
}

function fold(open) {
  $("chat").classList.toggle("rooms-open", open);
  $("to-rooms").setAttribute("aria-expanded", String(open));
}

$("rooms").addEventListener("click", ({ target }) => {
  const chosen = target.closest("[data-room]")?.dataset.room;
  if (!chosen) return;
  if (chosen.startsWith("person ")) rooms.person(chosen.slice("person ".length));
  enter(chosen);
});
$("new-group").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("group-name").value.trim();
  if (!name) return;
  if (name.includes("/")) {
    say(gettext("A group's name holds no slash."), "bad");
    return;
  }
  $("group-name").value = "";
  rooms.group(name);
  enter(groupKey(name));
});
$("to-rooms").addEventListener("click", () =>
  fold(!$("chat").classList.contains("rooms-open")),
);
$("older").addEventListener("click", () => {
  loadEarlier(rooms.get(present));
});
$("newest").addEventListener("click", () => {
  $("pane").scrollTop = $("pane").scrollHeight;
});
let atEnd = true;
$("pane").addEventListener("scroll", () => {
  const pane = $("pane");
  atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 4;
  if (atEnd) $("newest").hidden = true;
});
// The keyboard of a phone comes and goes; the last message stays in sight.
new ResizeObserver(() => {
  if (atEnd) $("pane").scrollTop = $("pane").scrollHeight;
}).observe($("pane"));
document.addEventListener("visibilitychange", () => {
  read();
  draw();
});

enter(present);
