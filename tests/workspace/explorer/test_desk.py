"""The desk in a real browser: rows, a pie, saving, cancelling, closing the tab."""

import time

import pytest
from django.db import connection
from explorer.models import Query
from selenium.webdriver.common.keys import Keys

from workspace.models import QueryRun

pytestmark = pytest.mark.django_db(transaction=True)

ROLES = """
SELECT * FROM (VALUES ('admin', 1), ('user', 3), ('viewer', 0)) AS r (role, people)
"""


@pytest.fixture
def desk(browser, boss):
    browser.sign_in(boss)
    browser.open("/workspace/explorer/")
    return browser


def write(desk, sql):
    desk.find("#sql").clear()
    desk.find("#sql").send_keys(sql)


def backends():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'madang_explorer'"
            " AND state = 'active' AND query LIKE 'FETCH%'"
        )
        return cursor.fetchone()[0]


def colours(desk):
    """Return how many points of the canvas have each colour."""
    return desk.driver.execute_script(
        """
        const canvas = document.querySelector("#chart");
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        const counts = {};
        for (let at = 0; at < data.length; at += 4) {
          const name = `${data[at]},${data[at + 1]},${data[at + 2]}`;
          counts[name] = (counts[name] ?? 0) + 1;
        }
        return counts;
        """
    )


TEAL, ORANGE = "11,122,112", "217,130,43"


def test_rows_a_pie_and_the_way_back_to_both(desk):
    write(desk, ROLES + Keys.CONTROL + Keys.ENTER)

    desk.wait_for_text("#state", "3 rows")
    assert desk.texts("#rows th") == ["role", "people"]
    assert desk.texts("#rows tbody tr:first-child td") == ["admin", "1"]
    desk.click("[data-show=chart]")
    desk.click("[data-kind=pie]")
    desk.wait_for(lambda: colours(desk).get(TEAL))
    seen = colours(desk)
    # user: three quarters of the circle, admin: one; viewer has no slice.
    assert seen[TEAL] / seen[ORANGE] == pytest.approx(3, rel=0.05)

    desk.click("#save")
    desk.find("#save-dialog [name=title]").send_keys("Roles")
    desk.click("#save-dialog button[value=yes]")
    desk.wait_for_text("#queries", "Roles")
    saved = Query.objects.get()
    assert (saved.chart.kind, saved.chart.x, saved.chart.y) == (
        *("pie", "role"),
        ["people"],
    )
    desk.open(f"/workspace/explorer/?query={saved.pk}")
    assert desk.texts("#title") == ["Roles"]
    desk.click("#run")
    desk.wait_for(lambda: colours(desk).get(ORANGE))
    assert QueryRun.objects.filter(query=saved).count() == 1
    assert desk.complaints() == []


@pytest.mark.parametrize("kind", ["bar", "line", "scatter"])
def test_the_other_kinds_draw(desk, kind):
    write(
        desk, "SELECT i AS x, i * i AS one, 100 - i AS two FROM generate_series(1, 9) i"
    )
    desk.click("#run")
    desk.wait_for_text("#state", "9 rows")
    desk.click("[data-show=chart]")
    desk.click(f"[data-kind={kind}]")
    desk.click("#y input[value=two]")

    desk.wait_for(lambda: {TEAL, ORANGE} <= colours(desk).keys())
    assert desk.complaints() == []


def test_the_picture_is_a_png(desk, tmp_path):
    write(desk, ROLES)
    desk.click("#run")
    desk.wait_for_text("#state", "3 rows")
    desk.click("[data-show=chart]")
    desk.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior",
        {"behavior": "allow", "downloadPath": str(tmp_path)},
    )
    desk.click("#png")

    file = tmp_path / "bar.png"
    desk.wait_for(file.exists)
    assert file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_cancel_ends_the_statement_within_a_second(desk):
    write(desk, "SELECT pg_sleep(60)")
    desk.click("#run")
    desk.wait_for(lambda: backends() == 1)
    desk.wait_for(lambda: desk.find("#cancel").is_enabled())

    started = time.monotonic()
    desk.find("#cancel").click()
    desk.wait_for_text("#error", "The statement was cancelled.")

    assert time.monotonic() - started < 1
    assert backends() == 0
    assert desk.texts("#run") == ["Run"]


def test_closing_the_tab_ends_the_statement_within_a_second(desk):
    write(desk, "SELECT pg_sleep(60)")
    desk.click("#run")
    desk.wait_for(lambda: backends() == 1)

    started = time.monotonic()
    desk.driver.get("about:blank")
    desk.wait_for(lambda: backends() == 0)

    assert time.monotonic() - started < 1
    desk.wait_for(lambda: QueryRun.objects.get().state == "failed")


def test_a_mistake_is_shown_and_marked(desk):
    write(desk, "SELECT 1, nothing")
    desk.click("#run")

    desk.wait_for_text("#error", 'column "nothing" does not exist')
    script = "return document.querySelector('#sql').selectionStart"
    assert desk.driver.execute_script(script) == len("SELECT 1, ")


def test_the_first_rows_of_a_table_come_by_a_link(desk):
    desk.click("[data-name=workspace_user] summary")
    desk.click("[data-name=workspace_user] a")

    desk.wait_for_text("#rows", "boss@example.com")
    assert desk.find("#sql").get_property("value").endswith("LIMIT 100")
    assert "password" not in desk.texts("#rows th")
