"""The drivers' page and the staff's board, as each kind of person is given them."""

import pytest

from tests.test_pages import inline_parts

pytestmark = pytest.mark.django_db


def test_a_guest_may_reserve(client):
    response = client.get("/charging/")

    html = response.content.decode()
    assert response.status_code == 200
    assert inline_parts(html) == []
    assert "script-src" not in response["Content-Security-Policy"]
    assert "data-signed-in" not in html
    assert 'id="email"' in html
    assert '/sign-in/?next=/charging/"' in html
    assert "/charging/board" not in html


def test_who_signed_in_is_not_asked_for_an_address(client, driver):
    client.force_login(driver)

    html = client.get("/charging/").content.decode()

    assert 'data-signed-in data-address="driver@example.com"' in html
    assert 'id="email"' not in html
    assert "/charging/board" not in html


def test_staff_find_the_board(client, staff):
    client.force_login(staff)

    assert 'href="/charging/board"' in client.get("/charging/").content.decode()
    response = client.get("/charging/board")
    assert response.status_code == 200
    assert inline_parts(response.content.decode()) == []


def test_the_board_is_for_staff(client, stranger):
    response = client.get("/charging/board")
    assert response.status_code == 302
    assert response["Location"] == "/sign-in/?next=/charging/board"

    client.force_login(stranger)
    response = client.get("/charging/board")
    assert response.status_code == 403
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/charging/", "/charging/board"])
def test_the_pages_speak_korean(client, staff, path):
    client.force_login(staff)

    html = client.get(path, headers={"accept-language": "ko"}).content.decode()

    assert '<html lang="ko">' in html
    title = {"/charging/": "충전 자리 예약", "/charging/board": "충전 현황판"}[path]
    assert f"<h1>{title}</h1>" in html


def test_the_pages_know_the_place_of_business(client, settings):
    settings.BUSINESS_OPEN, settings.BUSINESS_CLOSE = 0, 1440

    html = client.get("/charging/").content.decode()

    assert 'data-zone="Asia/Seoul" data-open="0" data-close="1440"' in html


def test_the_battery_is_shown_where_there_is_one(client, settings):
    settings.BATTERY_DATABASE_URL = ""
    assert 'id="battery"' not in client.get("/charging/").content.decode()

    settings.BATTERY_DATABASE_URL = "https://db.example.com"
    assert 'id="battery"' in client.get("/charging/").content.decode()
