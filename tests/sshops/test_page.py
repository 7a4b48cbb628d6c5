"""The operators' page, used in a real browser."""

import re

import pytest
from django.test import Client

from sshops import audit, recordings
from sshops.models import AuditEntry, Terminal
from tests.sshops.conftest import allow

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.SSHOPS_RECORDINGS_DIR = tmp_path


@pytest.fixture
def page(hosting, browser, operator, server):
    """The page as the operator has it, with one server."""
    browser.sign_in(operator)
    browser.open("/sshops/")
    browser.wait_for_text("#servers", server.name)
    return browser


def shown(browser):
    """Return the lines on the terminal's screen."""
    script = (
        "return [...document.querySelectorAll('.shell .xterm-rows > div')]"
        ".filter(row => row.checkVisibility()).map(row => row.textContent.trimEnd())"
    )
    return browser.driver.execute_script(script)


def type_in(browser, text):
    browser.find(".shell:not([hidden]) .xterm-helper-textarea").send_keys(text)


def has_line(browser, line):
    return browser.wait_for(lambda: line in shown(browser), line)


def open_terminal(browser):
    browser.click(".server .buttons button")
    browser.wait_for_text(".shell-state", "Connected")
    type_in(browser, "echo RE''ADY\n")
    has_line(browser, "READY")


def test_a_terminal_is_typed_into(page):
    open_terminal(page)

    type_in(page, "echo 한글 $((6 * 7))\n")

    has_line(page, "한글 42")
    assert page.complaints() == []


def compose(browser, *steps):
    """Type as an input method does: what is composed changes, the last step stays."""
    browser.find(".shell:not([hidden]) .xterm-helper-textarea").click()
    for step in steps:
        browser.driver.execute_cdp_cmd(
            "Input.imeSetComposition",
            {"text": step, "selectionStart": len(step), "selectionEnd": len(step)},
        )
    browser.driver.execute_cdp_cmd("Input.insertText", {"text": steps[-1]})


def test_what_an_input_method_composes_arrives_once(page):
    open_terminal(page)
    type_in(page, 'clear; read -r typed; echo "got ${#typed}: $typed."\n')
    page.wait_for(lambda: not any("READY" in line for line in shown(page)))

    compose(page, "ㅎ", "하", "한")
    compose(page, "ㄱ", "그", "글")
    has_line(page, "한글")
    type_in(page, " ok\n")

    has_line(page, "got 5: 한글 ok.")
    assert page.complaints() == []


def edge_of(browser, line):
    """Return where the last character of a line stands on the screen."""
    script = """
        const row = [...document.querySelectorAll('.shell .xterm-rows > div')]
            .find((row) => row.textContent.trimEnd() === arguments[0]);
        const texts = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
        let text = null;
        while (texts.nextNode()) {
            if (texts.currentNode.data.trim()) text = texts.currentNode;
        }
        const at = text.data.trimEnd().length - 1;
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        return range.getBoundingClientRect().left"""
    return browser.driver.execute_script(script, line)


def test_hangul_is_two_columns_wide(page):
    open_terminal(page)

    type_in(page, "clear; printf '한글|\\nabcd|\\n'; printf '한글\\033[6n'; ")
    type_in(page, 'read -rs -d R at; echo; echo "column ${at#*;}"\n')

    has_line(page, "column 5")  # as the terminal itself counts
    assert edge_of(page, "한글|") == pytest.approx(edge_of(page, "abcd|"), abs=2)


def test_a_tab_closed_meanwhile_shows_every_line_once(page):
    open_terminal(page)
    type_in(page, "clear; for i in $(seq 15); do echo line-$i; sleep 0.2; done\n")
    has_line(page, "line-3")

    page.driver.get("about:blank")
    page.wait_for(lambda: not Terminal.objects.get().is_attached)
    page.open("/sshops/")
    has_line(page, "line-15")

    lines = [line for line in shown(page) if re.fullmatch(r"line-\d+", line)]
    assert lines == [f"line-{number}" for number in range(1, 16)]


def test_a_terminal_is_ended(page):
    open_terminal(page)

    page.click(".shell .danger-text")

    page.wait_for_text(".shell-state", "Ended")
    page.wait_for(lambda: Terminal.objects.get().state == "ended")


def test_another_browser_takes_over(page, site, screen, operator):
    open_terminal(page)
    page.driver.switch_to.new_window("tab")
    try:
        page.open("/sshops/#terminals")
        page.click("#shell-tabs [role=tab]")
        page.wait_for_text(".shell-state", "Connected")
        page.driver.close()
    finally:
        page.driver.switch_to.window(page.driver.window_handles[0])
    page.wait_for_text(".shell-state", "In use elsewhere")

    page.click(".shell-bar button:not([hidden])")

    page.wait_for_text(".shell-state", "Connected")


def test_a_recording_is_played(page, operator, server):
    recorder = recordings.begin(
        kind="command", user=operator, server=server, text="df -h"
    )
    recorder.output("자료 shown\r\n".encode())
    recorder.finish()

    page.click("#parts [value=recordings]")
    page.wait_for_text("#recording-rows", "df -h")
    page.click("#recording-rows button")

    page.wait_for_text("#player-screen .xterm-rows", "자료 shown")
    page.wait_for(lambda: AuditEntry.objects.exists())
    page.click("#player-close")
    assert page.complaints() == []


def test_the_audit_log_is_read_by_who_may(browser, operator):
    allow(operator, "view_audit")

    for text in ("first", "second"):
        audit.record(kind="command", user=operator, text=text, outcome="complete")
    browser.sign_in(operator)
    browser.open("/sshops/#audit")

    browser.wait_for_text("#audit-rows", "second")

    assert [row.split("\t")[4] for row in browser.texts("#audit-rows tr")] == [
        "second",
        "first",
    ]


def test_without_a_right_there_is_no_page(outsider):
    client = Client(HTTP_ACCEPT="text/html")
    assert client.get("/sshops/").status_code == 302

    client.force_login(outsider)

    assert client.get("/sshops/").status_code == 403


def test_a_supervisor_sees_terminals_and_the_log_alone(supervisor):
    client = Client(HTTP_ACCEPT="text/html")
    client.force_login(supervisor)

    text = client.get("/sshops/").content.decode()

    assert re.findall(r'<button type="button" value="(\w+)"', text) == [
        "terminals",
        "recordings",
        "audit",
    ]


def test_without_sshd_the_page_says_what_to_install(operator, monkeypatch):
    client = Client(HTTP_ACCEPT="text/html")
    monkeypatch.setattr("sshops.page_views.has_sshd", lambda: False)
    client.force_login(operator)

    assert "apt-get install openssh-server" in client.get("/sshops/").content.decode()
