"""The operators' desk: what it shows, to whom, and what it does."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from tests import factories
from workspace import tokens
from workspace.models import TokenFamily, User

PEOPLE = "/admin/workspace/user/"
SIGN_INS = "/admin/workspace/tokenfamily/"
LISTS = [
    "/admin/",
    PEOPLE,
    SIGN_INS,
    "/admin/auth/group/",
    "/admin/django_celery_beat/periodictask/",
    "/admin/django_celery_beat/crontabschedule/",
    "/admin/django_celery_beat/intervalschedule/",
    "/admin/django_celery_beat/clockedschedule/",
    "/admin/django_celery_beat/solarschedule/",
]


@pytest.fixture
def staff(transactional_db):
    """An administrator who is no superuser."""
    return factories.user("staff@example.com", urole="admin")


@pytest.fixture
def desk(client):
    """Return a browser in which somebody is signed in."""

    def browser(user):
        client.force_login(user)
        return client

    return browser


def page_of(person, page="change"):
    return f"{PEOPLE}{person.pk}/{page}/"


def form_of(response):
    """Return what the page's form would send if nobody changed anything."""
    form = response.context["adminform"].form
    data = {bound.html_name: bound.value() for bound in form}
    return {name: value for name, value in data.items() if value not in (None, False)}


def change(browser, person, **changes):
    """Change a person on their page; return the answer."""
    data = form_of(browser.get(page_of(person))) | changes
    data = {name: value for name, value in data.items() if value is not False}
    return browser.post(page_of(person), data)


def act(browser, action, *chosen, path=PEOPLE):
    data = {"action": action, "_selected_action": [one.pk for one in chosen]}
    return browser.post(path, data, follow=True)


@pytest.mark.parametrize("path", LISTS)
def test_lists_render_for_a_superuser(desk, boss, path):
    tokens.open_family(boss)

    response = desk(boss).get(path)

    assert response.status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_others_are_sent_away(desk, outsider, path):
    response = desk(outsider).get(path)

    assert response.status_code == 302
    assert response.url.startswith("/admin/login/")


def test_pages_to_add_and_change_render(desk, boss, outsider):
    group = Group.objects.create(name="Doctors")
    schedule = CrontabSchedule.objects.create()
    task = PeriodicTask.objects.create(name="t", task="t", crontab=schedule)
    browser = desk(boss)

    pages = [
        f"{PEOPLE}add/",
        page_of(outsider),
        page_of(outsider, "password"),
        f"/admin/auth/group/{group.pk}/change/",
        reverse("admin:django_celery_beat_periodictask_change", args=[task.pk]),
        reverse("admin:django_celery_beat_crontabschedule_change", args=[schedule.pk]),
    ]

    assert {browser.get(page).status_code for page in pages} == {200}


def test_the_front_page_has_a_card_for_each_app_at_work(desk, boss):
    response = desk(boss).get("/admin/")

    names = [app["name"] for app in response.context["apps_now"]]
    assert "roadblock" in names
    page = response.content.decode()
    cards = page[page.index('id="apps"') :]
    for app in response.context["apps_now"]:
        assert cards.count(f'<a href="{app["url"]}"') == 1


@pytest.mark.parametrize("path", [PEOPLE, SIGN_INS])
def test_a_list_costs_the_same_for_one_and_for_many(desk, boss, path):
    browser = desk(boss)
    tokens.open_family(boss)
    browser.get(path)

    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get(path)
    for number in range(5):
        tokens.open_family(factories.user(f"person{number}@example.com"))
    with CaptureQueriesContext(connection) as many:
        browser.get(path)

    assert len(few) == len(many)


@pytest.mark.parametrize("state", ["active", "blocked", "deleted"])
def test_people_are_filtered_by_state(desk, boss, state):
    fields = {"blocked": {"uactive": False}, "deleted": {"uisdel": True}}
    person = factories.user("kim@example.com", **fields.get(state, {}))
    factories.user("lee@example.com", uactive=False, uisdel=True)

    response = desk(boss).get(PEOPLE, {"state": state})

    shown = set(response.context["cl"].queryset.values_list("email", flat=True))
    assert person.email in shown
    assert ("lee@example.com" in shown) is (state == "deleted")
    assert (boss.email in shown) is (state == "active")


def test_a_person_is_added_with_a_good_password(desk, boss):
    data = {"email": "New@example.com", "uname": "New", "urole": "viewer"}
    browser = desk(boss)

    weak = browser.post(
        f"{PEOPLE}add/", data | {"password1": "12345678", "password2": "12345678"}
    )
    good = browser.post(
        f"{PEOPLE}add/",
        data | {"password1": factories.PASSWORD, "password2": factories.PASSWORD},
    )
    taken = browser.post(
        f"{PEOPLE}add/",
        data
        | {
            "email": "new@EXAMPLE.com",
            "password1": factories.PASSWORD,
            "password2": factories.PASSWORD,
        },
    )

    assert weak.status_code == 200
    assert "entirely numeric" in weak.content.decode()
    assert good.status_code == 302
    assert taken.status_code == 200
    assert "taken" in taken.content.decode()
    person = User.objects.get(email="New@example.com")
    assert person.urole == "viewer"
    assert person.check_password(factories.PASSWORD)


def test_no_page_shows_a_password_or_its_hash(desk, boss, staff, outsider):
    own_pages = [PEOPLE, page_of(boss), page_of(outsider)]
    hashes = [person.password for person in (boss, outsider)]
    tell_tales = [*(text.rsplit("$", 1)[-1][:6] for text in hashes), "argon2"]

    texts = [desk(boss).get(page).content.decode() for page in own_pages]
    texts += [desk(staff).get(page).content.decode() for page in own_pages]

    for text in texts:
        assert not any(part in text for part in tell_tales)


@pytest.mark.parametrize(
    ("action", "uactive", "uisdel"),
    [("block", False, False), ("delete", True, True)],
)
def test_actions_keep_people_out_and_let_them_in(
    desk, boss, outsider, action, uactive, uisdel
):
    tokens.open_family(outsider)
    back = {"block": "unblock", "delete": "restore"}[action]

    act(desk(boss), action, outsider)
    outsider.refresh_from_db()
    kept_out = (outsider.uactive, outsider.uisdel)
    act(desk(boss), back, outsider)
    outsider.refresh_from_db()

    assert kept_out == (uactive, uisdel)
    assert outsider.is_active
    assert TokenFamily.objects.get().revoked_at is not None
    assert LogEntry.objects.filter(object_id=outsider.pk).count() == 2


@pytest.mark.parametrize("field", ["uactive", "uisdel"])
def test_the_form_keeps_people_out_too(desk, boss, outsider, field):
    tokens.open_family(outsider)

    change(desk(boss), outsider, **{field: field == "uisdel"})

    outsider.refresh_from_db()
    assert not outsider.is_active
    assert TokenFamily.objects.get().revoked_at is not None


def test_another_change_ends_no_sign_in(desk, boss, outsider):
    tokens.open_family(outsider)

    response = change(desk(boss), outsider, uname="Renamed")

    outsider.refresh_from_db()
    assert response.status_code == 302
    assert outsider.uname == "Renamed"
    assert outsider.check_password(factories.PASSWORD)
    assert TokenFamily.objects.get().revoked_at is None


def test_a_new_password_ends_what_the_old_one_opened(desk, boss, outsider):
    tokens.open_family(outsider)
    new = "another horse battery"

    empty = desk(boss).post(page_of(outsider, "password"), {"usable_password": "false"})
    response = desk(boss).post(
        page_of(outsider, "password"), {"password1": new, "password2": new}
    )

    outsider.refresh_from_db()
    assert empty.status_code == 200
    assert response.status_code == 302
    assert outsider.check_password(new)
    assert TokenFamily.objects.get().revoked_at is not None


def test_nobody_is_deleted_for_good(desk, boss, outsider):
    response = desk(boss).post(page_of(outsider, "delete"), {"post": "yes"})
    act(desk(boss), "delete_selected", outsider)

    assert response.status_code == 403
    assert User.objects.filter(pk=outsider.pk).exists()


def test_nobody_locks_themselves_out(desk, boss):
    browser = desk(boss)

    act(browser, "block", boss)
    act(browser, "delete", boss)
    change(browser, boss, uactive=False, uisdel="on", urole="user")

    boss.refresh_from_db()
    assert boss.is_active
    assert boss.is_superuser


# An administrator who is no superuser


def test_staff_look_after_ordinary_people(desk, staff, outsider):
    browser = desk(staff)

    added = browser.post(
        f"{PEOPLE}add/",
        {
            "email": "new@example.com",
            "uname": "New",
            "urole": "user",
            "password1": factories.PASSWORD,
            "password2": factories.PASSWORD,
        },
    )
    changed = change(browser, outsider, uname="Renamed", urole="viewer")
    act(browser, "block", outsider)

    outsider.refresh_from_db()
    assert (added.status_code, changed.status_code) == (302, 302)
    assert User.objects.filter(email="new@example.com").exists()
    assert (outsider.uname, outsider.urole, outsider.uactive) == (
        "Renamed",
        "viewer",
        False,
    )


def test_staff_make_no_administrators(desk, staff, outsider):
    browser = desk(staff)
    password = {"password1": factories.PASSWORD, "password2": factories.PASSWORD}
    new = {"email": "new@example.com", "uname": "New", "urole": "admin"}

    browser.post(f"{PEOPLE}add/", new | password)
    change(browser, outsider, urole="admin", is_superuser="on")

    outsider.refresh_from_db()
    assert not User.objects.filter(email="new@example.com").exists()
    assert (outsider.urole, outsider.is_superuser) == ("user", False)


def test_staff_raise_nobody_by_the_back_of_the_form(desk, staff, outsider):
    group = Group.objects.create(name="Powerful")

    response = change(
        desk(staff), outsider, uname="Renamed", is_superuser="on", groups=[group.pk]
    )

    outsider.refresh_from_db()
    assert response.status_code == 302
    assert outsider.uname == "Renamed"
    assert not outsider.is_superuser
    assert not outsider.groups.exists()


def test_staff_touch_no_administrators_and_not_themselves(desk, staff, boss):
    browser = desk(staff)
    colleague = factories.user("colleague@example.com", urole="admin")
    new = {"password1": "another horse battery", "password2": "another horse battery"}

    for person in (staff, colleague, boss):
        assert browser.get(page_of(person)).status_code == 200
        post = browser.post(page_of(person), {"uname": "x", "is_superuser": "on"})
        assert post.status_code == 403
        assert browser.post(page_of(person, "password"), new).status_code == 403
    act(browser, "block", staff, colleague, boss)
    act(browser, "delete", staff, colleague, boss)

    for person in (staff, colleague, boss):
        before = person.password
        person.refresh_from_db()
        assert person.is_active
        assert (person.uname, person.password) == ("Kim", before)
    assert not User.objects.get(pk=staff.pk).is_superuser


def test_staff_see_neither_groups_nor_sign_ins_nor_tasks(desk, staff):
    browser = desk(staff)

    for path in LISTS[2:]:
        assert browser.get(path).status_code == 403, path


# Sign-ins


def test_sign_ins_are_to_read_only_and_can_be_ended(desk, boss, outsider):
    pair = tokens.open_family(outsider, address="192.0.2.7", user_agent="Browser")
    family = TokenFamily.objects.get()
    browser = desk(boss)

    listed = browser.get(SIGN_INS).content.decode()
    page = browser.get(f"{SIGN_INS}{family.pk}/change/")
    changed = browser.post(f"{SIGN_INS}{family.pk}/change/", {"address": "x"})
    act(browser, "sign_out", family, path=SIGN_INS)

    assert "192.0.2.7" in listed
    assert page.status_code == 200
    assert changed.status_code == 403
    assert browser.get(f"{SIGN_INS}add/").status_code == 403
    family.refresh_from_db()
    assert family.address == "192.0.2.7"
    assert family.revoked_at is not None
    with pytest.raises(tokens.BadRefreshToken):
        tokens.refresh(pair.refresh)
