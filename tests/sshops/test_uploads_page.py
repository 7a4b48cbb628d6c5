"""Uploads of the page that break off, in a real browser behind a line that is cut."""

import contextlib
import os
import re
import socket
import threading

import pytest

from sshops.models import AuditEntry
from tests.browsing import Browser
from tests.sshops.working import under_way
from tests.workspace.test_files_page import slow_down

pytestmark = pytest.mark.django_db(transaction=True)

SIZE = 24_000_000


class Line:
    """A way to the site that breaks once a connection has carried `limit` bytes there,
    and lets nobody through while it `is_down`; once broken, it may stay so."""

    def __init__(self, port):
        self.to = ("127.0.0.1", port)
        self.limit, self.cuts = None, 0
        self.is_down = self.stays_down = False
        self.ends = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.is_down:
                near.close()
                continue
            far = socket.create_connection(self.to)
            self.ends += [near, far]
            for ends in ((near, far, True), (far, near, False)):
                threading.Thread(target=self.carry, args=ends, daemon=True).start()

    def hang_up(self):
        while self.ends:
            hang_up(self.ends.pop())

    def carry(self, one, other, is_onward):
        carried = 0
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
                carried += len(data)
                if is_onward and self.limit and carried > self.limit:
                    self.limit, self.is_down = None, self.stays_down
                    self.cuts += 1
                    self.hang_up()
        for end in (one, other):
            hang_up(end)


def hang_up(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@pytest.fixture
def line(site):
    line = Line(site.port)
    yield line
    hang_up(line.listener)
    line.hang_up()


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine 한글.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def page(browser, line, operator, server, there):
    """Return a function that opens the page, over the line or straight."""
    browser.sign_in(operator)

    def page(site=line):
        page = Browser(browser.driver, site)
        page.open("/sshops/#transfers")
        page.wait_for_text("#files-server", server.name)
        page.find("#files-path").send_keys(str(there))
        page.click("#files-form [type=submit]")
        page.wait_for(lambda: page.find("#files-here").is_displayed(), "no folder")
        return page

    return page


@pytest.fixture
def slow(browser):
    slow_down(browser, 6_000_000)
    yield
    slow_down(browser, 0)


def begun():
    """Return the texts of what was done with uploads, the oldest first."""
    texts = [entry.text for entry in AuditEntry.objects.begun()]
    return [text for text in texts[::-1] if text.startswith("upload ")]


def test_it_goes_on_by_itself(slow, page, line, there, mine):
    page = page()
    line.limit = SIZE // 3

    page.find("#files-upload").send_keys(str(mine))

    page.wait_for_text("#files-uploads", "It goes on in 1 s")
    page.wait_for_text("#files-uploads", " MB of 24.0 MB")
    shown = float(page.find("#files-uploads progress").get_attribute("value"))
    assert 0.2 < shown < 1
    page.wait_for_text("#files-uploads", "Sent.")
    assert (there / mine.name).read_bytes() == mine.read_bytes()
    assert [p.name for p in there.iterdir()] == [mine.name]
    assert line.cuts == 1
    first, *_repeated_by_the_browser, last = begun()
    assert first == f"upload {there / mine.name}: {SIZE} bytes"
    start = int(re.search(r" from (\d+) on$", last)[1])
    assert SIZE // 4 < start < SIZE


def test_it_goes_on_when_it_is_chosen_again(page, line, site, there, mine):
    first = page()
    line.limit, line.stays_down = SIZE // 3, True
    first.find("#files-upload").send_keys(str(mine))
    first.wait_for_text("#files-uploads", "It goes on in")
    under_way(there)

    again = page(site)
    again.find("#files-upload").send_keys(str(mine))

    again.wait_for_text("#files-uploads", "Sent.")
    assert (there / mine.name).read_bytes() == mine.read_bytes()
    assert " from " in begun()[-1]


def test_who_stops_it_leaves_nothing(slow, page, there, mine):
    page = page()
    page.find("#files-upload").send_keys(str(mine))
    under_way(there)

    page.click("#files-uploads button")

    page.wait_for_text("#files-uploads", "Stopped.")
    assert not any(there.iterdir())
    assert page.complaints() == []
