"""The chat page in a real browser, and the small pages to try sockets with."""

from contextlib import contextmanager

import pytest
from selenium.webdriver.common.keys import Keys
from websockets.sync.client import connect

from tests import factories
from tests.conftest import token
from workspace.chat import history
from workspace.models import ReadMark

pytestmark = pytest.mark.django_db(transaction=True)


class Script:
    """A chat client that is no page."""

    def __init__(self, socket, user):
        self.socket, self.user = socket, user

    def say(self, text):
        self.socket.send(text)

    def hear(self, start):
        while not (line := self.socket.recv(timeout=10)).startswith(start):
            pass
        return line


@contextmanager
def script(site, user, id="Lee"):
    url = f"{site.ws_url}/workspace/ws/{id}"
    headers = {"Authorization": f"Bearer {token(user)}"}
    with connect(url, additional_headers=headers, proxy=None) as socket:
        yield Script(socket, user)


@pytest.fixture
def lee(site):
    """Another person, by a script."""
    with script(site, factories.user("lee@example.com", uname="Lee")) as lee:
        yield lee


@pytest.fixture
def page(browser, kim):
    browser.sign_in(kim)
    browser.open("/workspace/")
    browser.wait_for_text("#link-state", "Live")
    return browser


def write(page, text):
    page.find("#text").send_keys(text, Keys.ENTER)


def join(page, group):
    page.find("#group-name").send_keys(group, Keys.ENTER)
    page.wait_for_text("#room-title", group)


def messages(page):
    return page.texts("#messages .text")


def test_talk_in_a_group(page, lee):
    join(page, "팀 A")
    lee.say("/join 팀 A")
    lee.hear("Joined group")
    write(page, "안녕 <b>여러분</b>")

    assert lee.hear("Group message") == (
        "Group message from client 'Kim': 안녕 <b>여러분</b>"
    )
    lee.say("hello Kim")
    page.wait_for(lambda: messages(page) == ["안녕 <b>여러분</b>", "hello Kim"])
    assert page.texts("#messages .fate") == []
    page.wait_for_text("#room-about", "2 members")
    page.wait_for(lambda: ReadMark.objects.filter(group="팀 A").exists())
    assert page.complaints() == []


def test_a_command_is_text_here(page, lee):
    join(page, "red")
    lee.say("/join red")
    lee.hear("Joined group")

    write(page, "/leave_all of you")

    assert lee.hear("Group message").endswith(": /leave_all of you")


def test_private_messages_and_unread_marks(page, lee):
    page.wait_for_text("#people", "Lee")
    lee.say("/send_to Kim psst")
    page.wait_for(lambda: page.texts("#people .unread") == ["1"])
    page.click('[data-room="person Lee"]')

    page.wait_for(lambda: messages(page) == ["psst"])
    page.wait_for(lambda: page.texts("#people .unread") == [])
    write(page, "what is it?")
    assert lee.hear("Private") == "Private message from client 'Kim': what is it?"
    page.wait_for(lambda: page.texts("#messages .fate") == [])

    lee.socket.close()
    page.wait_for_text("#room-about", "Not online")
    write(page, "still there?")
    page.wait_for_text("#messages .failed .fate", "Not delivered")


def test_other_groups_are_marked_as_unread(page, lee):
    join(page, "red")
    lee.say("/join blue")
    lee.say("in blue")
    page.wait_for(lambda: page.texts('[data-room="group blue"] .unread') == ["1"])

    page.click('[data-room="group blue"]')

    page.wait_for(lambda: messages(page) == ["in blue"])
    page.wait_for(lambda: page.texts(".unread") == [])


def test_history_in_parts(page, lee):
    lee.say("/join red")
    for number in range(120):
        lee.say(f"number {number}")
    lee.hear("Client 'Lee': number 119")
    history.store()
    join(page, "red")

    page.wait_for(lambda: len(messages(page)) == 50)
    page.click("#older")
    page.wait_for(lambda: len(messages(page)) == 100)
    page.click("#older")
    page.wait_for(lambda: messages(page) == [f"number {n}" for n in range(120)])
    assert page.texts("#older") == []


def test_nothing_is_lost_while_the_server_is_away(page, lee, site):
    join(page, "red")
    write(page, "before")
    page.wait_for(lambda: messages(page) == ["before"])

    site.stop()
    page.wait_for_text("#link-state", "Connection lost")
    write(page, "while away")
    page.wait_for_text("#toast", "Not connected")
    assert page.find("#text").get_property("value") == "while away"
    site.start()
    with script(site, lee.user) as other:  # is there before the page is
        other.say("/join red")
        other.say("first")
        other.say("second")
        other.hear("Client 'Lee': second")
        page.wait_for_text("#link-state", "Live")
        write(page, "")

    page.wait_for(lambda: messages(page) == ["before", "first", "second", "while away"])


def test_a_name_that_is_taken_gets_a_number(browser, site, kim):
    other = factories.user("other@example.com", uname="Kim")
    with script(site, other, "Kim"):
        browser.sign_in(kim)
        browser.open("/workspace/")

        browser.wait_for_text("#people .self", "Kim 2")
        browser.wait_for_text("#link-state", "Live")


@pytest.mark.parametrize("name", ["42", "auth", "a/b", "  "])
def test_any_name_makes_an_id(browser, site, name):
    user = factories.user("odd@example.com", uname=name)
    browser.sign_in(user)
    browser.open("/workspace/")

    browser.wait_for_text("#link-state", "Live")
    browser.wait_for(lambda: browser.texts("#people .self"))


def test_the_test_pages(browser, site, kim):
    browser.sign_in(kim)
    browser.open("/workspace/group_messaging_test.html")
    for panel in ("alpha", "beta"):
        browser.click(f'[aria-label="{panel}"] [data-connect] button')
        browser.wait_for_text(f'[aria-label="{panel}"] .frames', "Connected as client")
    browser.find("#say-alpha").send_keys("to the group", Keys.ENTER)
    browser.wait_for_text('[aria-label="beta"] .frames', "Client 'alpha': to the group")
    browser.click('[aria-label="beta"] [data-command="/my_groups"]')
    browser.wait_for_text('[aria-label="beta"] .frames', "Your groups: ['red']")

    browser.open("/workspace/socket_test.html")
    browser.click("[data-connect] button")
    browser.wait_for_text(".frames", "Connected as client 'test'")
    browser.click("[data-connect] button")
    browser.wait_for_text("[data-state]", "Closed with")
    assert browser.complaints() == []


# Who gets a page, and who gets JSON

PAGES = ["/workspace/", "/workspace/socket_test.html"]
TESTS = ["/workspace/socket_test.html", "/workspace/group_messaging_test.html"]


def test_programs_get_json_and_browsers_the_page(client, api, kim):
    answer = api(kim).get("/workspace/")
    assert set(answer.json()) == {"message"}
    answer = api(kim).get("/workspace/", headers={"accept": "text/html"})
    assert set(answer.json()) == {"message"}  # a token is a program's

    client.force_login(kim)
    answer = client.get("/workspace/", headers={"accept": "text/html,*/*"})
    assert answer["Content-Type"].startswith("text/html")
    assert "Accept" in answer["Vary"]
    assert set(client.get("/workspace/").json()) == {"message"}
    assert (
        client.post("/workspace/", headers={"accept": "text/html"}).status_code >= 400
    )


@pytest.mark.parametrize("path", TESTS)
def test_the_test_pages_open_by_token_too(api, kim, path):
    answer = api(kim).get(path)

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", PAGES)
def test_nobody_signs_in_first(client, api, path):
    assert api().get(path).status_code == 401
    answer = client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=/workspace/")
