// The teams' page: what one may do in a team stands beside what it is done to.
import { $, ask, element, say } from "../shared/elements.js";
import { fill, gettext } from "../shared/i18n.js";
import { Rest } from "../shared/rest.js";
import { face } from "./faces.js";

const ROLES = {
  owner: gettext("owner"),
  manager: gettext("manager"),
  reader: gettext("member"),
};

const { mount, me } = document.querySelector("[data-mount]").dataset;
const isStaff = "staff" in $("teams").dataset;
const rest = new Rest(mount);

async function list() {
  try {
    const { teams } = await rest.call("GET", "api/teams");
    $("list").replaceChildren(...teams.map(card));
    $("list").setAttribute("aria-busy", "false");
    $("nothing").hidden = teams.length > 0;
  } catch (refused) {
    say(refused.message, "bad");
  }
}

/** Do something to a team, and show how things stand then. */
async function act(method, path, body, told = gettext("Done.")) {
  try {
    await rest.call(method, `api/teams/${path}`, { body });
    say(told, "good");
  } catch (refused) {
    say(refused.message, "bad");
  }
  await list();
}

async function actIfSure(text, ...action) {
  if (await ask($("sure"), text)) await act(...action);
}

function button(text, label, action) {
  const made = element("button", { type: "button", class: "quiet", "aria-label": label }, text);
  made.addEventListener("click", action);
  return made;
}

function card(team) {
  const mine = team.members.find(({ uid }) => uid === me)?.role;
  const may = {
    own: isStaff || mine === "owner",
    manage: isStaff || mine === "owner" || mine === "manager",
  };
  const invitation = team.invitations.find(({ uid }) => uid === me);
  const head = element("header", {}, element("h2", {}, team.name));
  if (mine) head.append(element("span", { class: "badge" }, ROLES[mine]));
  return element(
    "section",
    { class: "card", "data-team": team.id, "aria-label": team.name },
    head,
    invitation ? answer(team, invitation) : null,
    element(
      "ul",
      { class: "members" },
      ...team.members.map((member) => memberRow(team, member, may)),
      ...team.invitations.map((invited) => invitedRow(team, invited, may)),
    ),
    may.manage ? inviteForm(team) : null,
    foot(team, mine, may),
  );
}

/** What somebody who is invited may say to it. */
function answer(team, { invited_by: by }) {
  const join = element("button", { type: "button" }, gettext("Join"));
  join.addEventListener("click", () => act("POST", `${team.id}/join`));
  const decline = button(gettext("Decline"), null, () => act("POST", `${team.id}/leave`));
  return element(
    "div",
    { class: "invited" },
    element("p", {}, fill(gettext("%(name)s invites you to this team."), { name: by })),
    element("div", { class: "buttons" }, join, decline),
  );
}

function row(person, state, ...acts) {
  return element(
    "li",
    { "data-person": person.uid },
    face(person),
    element(
      "div",
      { class: "person" },
      element("b", {}, person.uname),
      element("small", {}, `${person.uemail} · ${state}`),
    ),
    element("div", { class: "acts" }, ...acts),
  );
}

function memberRow(team, member, may) {
  const { uid, uname: name, role } = member;
  const acts = [];
  if (may.own && role !== "owner") {
    acts.push(roleChoice(team, member));
    const text = fill(gettext("%(name)s will own this team, and you will be a manager."), { name });
    acts.push(
      button(gettext("Hand over"), fill(gettext("Hand over to %(name)s"), { name }), () =>
        actIfSure(text, "POST", `${team.id}/hand-over`, { uid }),
      ),
    );
  }
  const mayRemove = role === "reader" ? may.manage : may.own && role !== "owner";
  if (mayRemove && uid !== me) {
    const label = fill(gettext("Remove %(name)s"), { name });
    acts.push(
      button(gettext("Remove"), label, () =>
        actIfSure(`${label}?`, "DELETE", `${team.id}/members/${uid}`),
      ),
    );
  }
  return row(member, ROLES[role], ...acts);
}

function roleChoice(team, { uid, uname: name, role }) {
  const label = fill(gettext("Role of %(name)s"), { name });
  const choice = element(
    "select",
    { "aria-label": label },
    ...["reader", "manager"].map((value) =>
      element("option", { value, selected: value === role }, ROLES[value]),
    ),
  );
  choice.addEventListener("change", () =>
    act("PUT", `${team.id}/members/${uid}`, { role: choice.value }),
  );
  return choice;
}

function invitedRow(team, invited, may) {
  if (!may.manage) return row(invited, gettext("invited"));
  const label = fill(gettext("Take back the invitation of %(name)s"), { name: invited.uname });
  const path = `${team.id}/invitations/${invited.uid}`;
  return row(
    invited,
    gettext("invited"),
    button(gettext("Take back"), label, () => act("DELETE", path)),
  );
}

function inviteForm(team) {
  const label = fill(gettext("Invite to %(name)s by e-mail"), { name: team.name });
  const input = element("input", {
    type: "email",
    required: true,
    maxlength: 150,
    list: "people",
    autocomplete: "off",
    placeholder: gettext("name@example.com"),
    "aria-label": label,
  });
  const form = element(
    "form",
    { class: "line" },
    input,
    element("button", { type: "submit" }, gettext("Invite")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act("POST", `${team.id}/invitations`, { uemail: input.value.trim() }, gettext("Invited."));
  });
  return form;
}

function foot(team, mine, may) {
  const { id, name } = team;
  const made = element("div", { class: "buttons" });
  if (mine && mine !== "owner") {
    const text = fill(gettext("You leave %(name)s, and come back only when invited."), { name });
    made.append(button(gettext("Leave"), null, () => actIfSure(text, "POST", `${id}/leave`)));
  }
  if (may.own) {
    const text = fill(gettext("%(name)s ends for all who are in it."), { name });
    made.append(
      button(gettext("Rename"), null, () => rename(team)),
      button(gettext("Disband"), null, () => actIfSure(text, "DELETE", id)),
    );
  }
  return made;
}

async function rename({ id, name }) {
  $("new-name").value = name;
  const values = await ask($("rename"), "");
  if (values?.name.trim()) await act("PATCH", id, { name: values.name.trim() });
}

$("found").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = $("team-name").value.trim();
  if (!name) return;
  await act("POST", "", { name }, gettext("The team is there. Invite its people."));
  $("team-name").value = "";
});

/** Addresses to choose from when inviting; typing one works without them, too. */
async function people() {
  const found = await rest.call("GET", "users", { query: { limit: 1000 } });
  const there = found.filter(({ uactive, uisdel }) => uactive && !uisdel);
  $("people").replaceChildren(
    ...there.map(({ uemail, uname }) => element("option", { value: uemail }, uname)),
  );
}

list();
people().catch(() => {});
document.addEventListener("visibilitychange", () => document.hidden || list());
