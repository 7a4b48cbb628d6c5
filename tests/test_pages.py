"""The pages that belong to no app: what they say, and that a strict policy holds."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.utils import translation

from tests import factories

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
# What the admin brings of its own stands under a policy of its own.
OURS = sorted(
    path.relative_to(TEMPLATES).as_posix()
    for path in TEMPLATES.rglob("*.html")
    if path.relative_to(TEMPLATES).parts[0] != "admin"
)


class Inline(HTMLParser):
    """Collects what a strict content policy would stop."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        names = dict(attrs)
        if (tag == "script" and not names.get("src")) or tag == "style":
            self.found.append(f"<{tag}>")
        self.found += [name for name in names if name == "style" or name[:2] == "on"]


def inline_parts(html):
    parser = Inline()
    parser.feed(html)
    return parser.found


@pytest.mark.parametrize("name", OURS)
def test_no_template_holds_script_or_style(name):
    assert inline_parts((TEMPLATES / name).read_text(encoding="utf-8")) == []


def test_sign_in_page_speaks_korean(client, db):
    response = client.get("/sign-in/", headers={"accept-language": "ko"})

    html = response.content.decode()
    assert response.status_code == 200
    assert '<html lang="ko">' in html
    assert "<h1>로그인</h1>" in html
    assert inline_parts(html) == []


def test_the_mail_address_signs_in(client, db):
    factories.user("kim@example.com")

    response = client.post(
        "/sign-in/", {"username": "kim@example.com", "password": factories.PASSWORD}
    )

    assert response.status_code == 302
    assert response["Location"] == "/"


def test_a_wrong_password_is_told(client, db):
    factories.user("kim@example.com")

    response = client.post(
        "/sign-in/", {"username": "kim@example.com", "password": "wrong"}
    )

    html = response.content.decode()
    assert response.status_code == 200
    assert 'role="alert"' in html
    assert 'value="kim@example.com"' in html


def test_home_shows_the_five_apps(client, db):
    client.force_login(factories.user())

    html = client.get("/").content.decode()

    names = ["roadblock", "diagnosis", "charging", "workspace", "sshops"]
    assert [name for name in names if f'data-app="{name}"' in html] == names
    assert inline_parts(html) == []


def test_home_is_for_people_who_signed_in(client, db):
    response = client.get("/")

    assert response.status_code == 302
    assert response["Location"] == "/sign-in/?next=/"


def test_only_staff_see_the_way_to_the_admin(client, db):
    client.force_login(factories.user())
    assert 'href="/admin/"' not in client.get("/").content.decode()

    client.force_login(factories.user("boss@example.com", is_superuser=True))
    assert 'href="/admin/"' in client.get("/").content.decode()


def test_the_language_switch_is_remembered(client, db):
    response = client.post("/i18n/setlang/", {"language": "ko", "next": "/sign-in/"})

    assert response["Location"] == "/sign-in/"
    assert "<h1>로그인</h1>" in client.get("/sign-in/").content.decode()


def test_an_unknown_address_has_a_page(client, db):
    response = client.get("/nothing/here", headers={"accept-language": "ko"})

    html = response.content.decode()
    assert response.status_code == 404
    assert "여기에는 아무것도 없습니다" in html
    assert inline_parts(html) == []


@pytest.mark.parametrize("name", ["400.html", "500.html", "503.html"])
def test_pages_for_broken_requests_need_no_context(name):
    html = render_to_string(name)

    assert f'<p class="code">{name[:3]}</p>' in html


def test_live_map_page_is_translated(rf):
    request = rf.get("/roadblock/")
    request.user = AnonymousUser()

    with translation.override("ko"):
        html = render_to_string("roadblock/dashboard.html", request=request)

    assert 'data-mount="/roadblock/"' in html
    assert "실시간 지도" in html
    assert inline_parts(html) == []


def test_texts_for_scripts_are_served(client, db):
    response = client.get("/jsi18n/", headers={"accept-language": "ko"})

    assert response["Content-Type"].startswith("text/javascript")
    assert (
        '"Signed out": "\\ub85c\\uadf8\\uc544\\uc6c3\\ub428"'
        in response.content.decode()
    )
