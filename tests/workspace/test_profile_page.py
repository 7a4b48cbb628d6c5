"""One's own profile: name and picture, and the password."""

import pytest
from django.conf import settings

from tests import factories
from workspace import tokens
from workspace.models import LoginFailure, TokenFamily, User

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/workspace/profile"
NEW = "another horse battery"


@pytest.fixture
def signed_in(client, kim):
    client.force_login(kim)
    return client


def change(client, old=factories.PASSWORD, new=NEW, again=NEW):
    form = {"old_password": old, "new_password1": new, "new_password2": again}
    return client.post(PAGE, form)


def test_the_page_is_for_people_who_signed_in(client, db):
    response = client.get(PAGE)

    assert response.status_code == 302
    assert response["Location"] == "/sign-in/?next=/workspace/profile"


def test_a_new_password_signs_out_everywhere_else(signed_in, kim, login):
    tokens.open_family(kim)

    response = change(signed_in)

    assert response.status_code == 302
    assert User.objects.get().check_password(NEW)
    assert TokenFamily.objects.get().revoked_at is not None
    assert "Your password is changed." in signed_in.get(PAGE).content.decode()
    assert login().status_code == 401


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"old": "wrong"}, "incorrect"),
        ({"new": "12345678", "again": "12345678"}, "entirely numeric"),
        ({"again": "not the same"}, "match"),
        ({"old": ""}, "required"),
    ],
)
def test_what_does_not_fit_changes_nothing(signed_in, kim, form, told):
    tokens.open_family(kim)

    response = change(signed_in, **form)

    assert response.status_code == 200
    assert told in response.content.decode()
    assert User.objects.get().check_password(factories.PASSWORD)
    assert TokenFamily.objects.get().revoked_at is None


def test_guessing_the_old_password_is_bounded_as_signing_in_is(signed_in, login):
    for _ in range(10):
        change(signed_in, old="wrong")

    refused = change(signed_in)

    assert "Too many attempts" in refused.content.decode()
    assert login().status_code == 429
    assert LoginFailure.objects.count() == 10
    assert User.objects.get().check_password(factories.PASSWORD)


def test_name_and_picture_in_a_browser(browser, kim, tmp_path):
    picture = tmp_path / "me.svg"
    picture.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="60">'
        '<rect width="40" height="60" fill="red"/></svg>'
    )
    browser.sign_in(kim)
    browser.open(PAGE)
    assert browser.texts("#avatar") == ["K"]

    browser.find("#uname").clear()
    browser.click("#profile [type=submit]")
    browser.wait_for_text("#uname-error", "Please give a name.")
    browser.find("#uname").send_keys("김 하나")
    browser.find("#picture").send_keys(str(picture))
    browser.wait_for(lambda: browser.texts("#no-picture"))
    browser.click("#profile [type=submit]")
    browser.wait_for_text("#toast", "Saved.")

    stored = User.objects.get()
    assert stored.uname == "김 하나"
    assert stored.uavatar.startswith("data:image/webp;base64,")
    assert browser.texts(".who .name") == ["김 하나"]
    browser.open(PAGE)
    browser.click("#no-picture")
    browser.click("#profile [type=submit]")
    browser.wait_for_text("#toast", "Saved.")
    assert User.objects.get().uavatar is None
    assert browser.complaints() == []
    assert settings.SESSION_COOKIE_HTTPONLY
