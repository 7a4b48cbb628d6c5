"""Statements over HTTP: what comes of them, what is refused, who may."""

import threading
import time

import pytest
from django.db import connection, connections
from explorer import app_settings
from explorer.models import ExplorerValue

from tests import factories
from workspace.explorer import reading, runs
from workspace.models import QueryRun

pytestmark = pytest.mark.django_db(transaction=True)


def rows(outcome):
    assert "error" not in outcome, outcome
    return outcome["rows"]


def code(outcome):
    return outcome["error"]["code"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1 AS a, 'x' AS b;", [["1", "x"]]),
        ("WITH one AS (SELECT 1 AS a) SELECT a FROM one", [["1"]]),
        ("VALUES (1, 'a'), (2, NULL)", [["1", "a"], ["2", None]]),
        ("TABLE auth_group LIMIT 0", []),
        ("(SELECT 1) UNION (SELECT 1)", [["1"]]),
        ("-- a word before\n/* and another */ select 100 % 3", [["1"]]),
        ("SHOW transaction_read_only", [["on"]]),
        ("SHOW default_transaction_read_only", [["on"]]),
        ("SELECT current_user", [["madang_explorer"]]),
        ("SELECT '한국어', '%s', $$ $1 $$", [["한국어", "%s", " $1 "]]),
    ],
)
def test_what_reads_gives_rows(outcome, sql, expected):
    assert rows(outcome(sql)) == expected


def test_explain_gives_its_plan(outcome):
    told = outcome("EXPLAIN ANALYZE SELECT * FROM auth_group")

    assert [column["name"] for column in told["columns"]] == ["QUERY PLAN"]
    assert "Seq Scan on auth_group" in rows(told)[0][0]


def test_columns_have_a_kind_and_values_stay_as_they_are(outcome):
    told = outcome(
        "SELECT 1.10 AS exact, 'NaN'::float8 AS nan, 9007199254740993 AS large,"
        " true AS yes, '{\"a\": 1}'::jsonb AS doc, '0044-03-15 BC'::date AS ides,"
        " 'infinity'::timestamptz AS never, '\\x00ff'::bytea AS bytes"
    )

    kinds = {column["name"]: column["kind"] for column in told["columns"]}
    assert kinds == {
        **dict.fromkeys(("exact", "nan", "large"), "number"),
        "yes": "boolean",
        "doc": "json",
        **dict.fromkeys(("ides", "never", "bytes"), "text"),
    }
    assert rows(told)[0] == [
        *("1.10", "NaN", "9007199254740993", "t", '{"a": 1}'),
        *("0044-03-15 BC", "infinity", "\\x00ff"),
    ]


def test_no_rows_have_columns_all_the_same(outcome):
    told = outcome("SELECT email, uname FROM workspace_user WHERE false")

    assert [column["name"] for column in told["columns"]] == ["email", "uname"]
    assert told["more"] is False


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO auth_group (name) VALUES ('x')",
        "DELETE FROM auth_group",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COMMIT; DROP TABLE auth_group",
        "SET ROLE madang",
        "DO $$ BEGIN NULL; END $$",
        "CALL x()",
        "BEGIN",
        "; SELECT 1",
        "--",
        "1",
    ],
)
def test_what_does_not_read_is_refused_before_it_runs(api, analyst, sql):
    answer = api(analyst).post("/workspace/explorer/runs", {"sql": sql})

    assert answer.status_code == 422
    assert answer.json()["code"] == "not_reading"
    log = QueryRun.objects.get()
    assert (log.sql, log.success, log.state) == (sql, False, "failed")


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("SELECT 1; COMMIT; DROP TABLE auth_group", "multiple commands"),
        ("SELECT 1; SET statement_timeout = 0", "multiple commands"),
        ("EXPLAIN SELECT 1; COMMIT; DROP TABLE auth_group", "multiple commands"),
        ("WITH x AS (DELETE FROM auth_group RETURNING 1) TABLE x", "data-modifying"),
        ("EXPLAIN ANALYZE INSERT INTO auth_group (name) VALUES ('x')", "read-only"),
        ("SELECT 1 AS a INTO mine", "INTO"),
        ("SELECT pg_read_file('/etc/passwd')", "denied"),
        ("SELECT password FROM workspace_user", "denied"),
        ("SELECT set_config('role', 'madang', true)", "denied"),
        ("SELECT lo_create(0)", "denied"),
        ("SELECT nextval('auth_group_id_seq')", "denied"),
        ("SELECT * FROM dblink('', 'SELECT 1') AS t (a int)", "dblink"),
        ("SELECT nothing", "nothing"),
        ("SELECT 1/0", "division by zero"),
    ],
)
def test_the_database_refuses_the_rest(outcome, sql, word):
    told = outcome(sql)

    assert code(told) == "sql_error"
    assert word in told["error"]["detail"]
    assert QueryRun.objects.get().error == told["error"]["detail"]


@pytest.mark.parametrize("sql", ["SELECT 1, nothing", "EXPLAIN SELECT 1, nothing"])
def test_the_place_of_a_mistake_is_told(outcome, sql):
    assert outcome(sql)["error"]["position"] == sql.index("nothing") + 1


@pytest.fixture
def settable(transactional_db):
    """Let the role change settings, as it may where the owner is no superuser."""
    change("GRANT EXECUTE ON FUNCTION set_config TO madang_explorer")
    yield
    change("REVOKE EXECUTE ON FUNCTION set_config FROM madang_explorer")


def change(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_settings_of_one_run_are_gone_in_the_next(outcome, settable):
    assert rows(outcome("SELECT set_config('work_mem', '1MB', false)")) == [["1MB"]]

    assert rows(outcome("SHOW work_mem")) == [["4MB"]]


def test_no_run_leaves_its_transaction_read_only(outcome, settable):
    told = outcome("SELECT set_config('transaction_read_only', 'off', true)")

    assert "read-write mode" in told["error"]["detail"]


def test_a_limit_lifted_inside_the_statement_holds(outcome, monkeypatch, settable):
    monkeypatch.setattr(reading, "QUERY_SECONDS", 0.5)

    told = outcome(
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(60)"
        " FROM generate_series(1, 3)"
    )

    assert code(told) == "took_too_long"


def test_a_long_row_of_comments_takes_no_time(api, analyst):
    started = time.monotonic()

    answer = api(analyst).post("/workspace/explorer/runs", {"sql": "/**/" * 20_000})

    assert answer.json()["code"] == "not_reading"
    assert time.monotonic() - started < 2


def test_nothing_is_told_outside(outcome):
    rows(outcome("SELECT 1"))

    # The library makes a number for the installation before it reports anything.
    assert not ExplorerValue.objects.exists()
    assert not app_settings.EXPLORER_ENABLE_ANONYMOUS_STATS
    assert not app_settings.has_assistant()
    assert not app_settings.db_connections_enabled()


def test_a_thousand_rows_of_a_million_come_at_once(outcome):
    started = time.monotonic()

    told = outcome("SELECT i, md5(i::text) FROM generate_series(1, 1000000) AS i")

    assert len(rows(told)) == 1000
    assert told["more"] is True
    assert time.monotonic() - started < 5
    assert QueryRun.objects.get().rows == 1000


def test_exactly_a_thousand_are_all(outcome):
    told = outcome("SELECT generate_series(1, 1000)")

    assert len(rows(told)) == 1000
    assert told["more"] is False


def test_large_rows_fill_the_page_sooner(outcome, monkeypatch):
    monkeypatch.setattr(runs, "PAGE_CHARACTERS", 100_000)

    told = outcome("SELECT repeat('가', 10000000) FROM generate_series(1, 1000)")

    assert len(rows(told)) == 5  # 20,000 letters of each, until there are enough
    assert told["more"] is True
    assert rows(told)[0][0] == "가" * 20_000 + "…"


def test_few_rows_of_enormous_ones_are_read(outcome):
    told = outcome("SELECT repeat('x', 50000000) FROM generate_series(1, 1000)")

    assert len(rows(told)) == 2
    assert told["more"] is True


def test_a_long_statement_ends_by_itself(outcome, monkeypatch):
    monkeypatch.setattr(reading, "QUERY_SECONDS", 0.5)

    told = outcome("SELECT pg_sleep(60)")

    assert code(told) == "took_too_long"


def sleeping():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'madang_explorer'"
            " AND state = 'active' AND query LIKE 'FETCH%'"
        )
        return cursor.fetchone()[0]


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def test_a_run_is_cancelled_within_a_second(api, analyst):
    answer = api(analyst).post(
        "/workspace/explorer/runs", {"sql": "SELECT pg_sleep(60)"}
    )
    lines = iter(answer.streaming_content)
    assert b'"run"' in next(lines)
    wait_until(lambda: sleeping() == 1)
    pk = QueryRun.objects.get().pk
    ended = threading.Event()
    rest = []
    reader = threading.Thread(target=lambda: (rest.extend(lines), ended.set()))

    started = time.monotonic()
    reader.start()
    cancelled = api(analyst).post(f"/workspace/explorer/runs/{pk}/cancel")

    assert cancelled.json() == {"cancelled": True}
    assert ended.wait(5)
    assert time.monotonic() - started < 1
    assert sleeping() == 0
    assert b'"cancelled"' in rest[-1]
    reader.join()


def test_a_client_that_leaves_ends_its_statement(api, analyst):
    answer = api(analyst).post(
        "/workspace/explorer/runs", {"sql": "SELECT pg_sleep(60)"}
    )
    next(iter(answer.streaming_content))
    wait_until(lambda: sleeping() == 1)

    started = time.monotonic()
    answer.close()  # what the server does once the connection is gone

    assert time.monotonic() - started < 1
    assert sleeping() == 0
    assert QueryRun.objects.get().error == "The statement was cancelled."


def test_nobody_cancels_what_others_run(api, analyst, outsider, boss):
    run = QueryRun.objects.create(sql="SELECT 1", run_by_user=boss)

    path = f"/workspace/explorer/runs/{run.pk}/cancel"
    assert api(analyst).post(path).status_code == 403
    assert api(outsider).post(path).status_code == 403
    assert api().post(path).status_code == 401
    assert api(boss).post(path).json() == {"cancelled": True}
    assert api(boss).post(path.replace(str(run.pk), "9" * 30)).status_code == 404


def test_a_few_run_at_once_and_the_next_waits(api, analyst, monkeypatch):
    monkeypatch.setattr(runs, "_places", threading.BoundedSemaphore(1))
    first = api(analyst).post("/workspace/explorer/runs", {"sql": "SELECT 1"})

    refused = api(analyst).post("/workspace/explorer/runs", {"sql": "SELECT 2"})

    assert refused.status_code == 429
    assert refused.json()["code"] == "explorer_busy"
    assert refused["Retry-After"] == "2"
    first.close()
    again = api(analyst).post("/workspace/explorer/runs", {"sql": "SELECT 3"})
    assert again.status_code == 200
    again.close()


def test_each_run_is_in_the_log(run, analyst):
    number, told = run("SELECT generate_series(1, 7)")

    log = QueryRun.objects.get(pk=number["run"])
    assert log.run_by_user == analyst
    assert (log.sql, log.rows) == ("SELECT generate_series(1, 7)", 7)
    assert log.success
    assert log.error == ""
    assert 0 < log.duration <= (told["seconds"] + 1) * 1000


@pytest.mark.parametrize(
    "body",
    [
        *({}, [], {"sql": ""}, {"sql": " \n"}, {"sql": 1}, {"sql": "x" * 100_001}),
        *({"sql": "SELECT '\0'"}, {"sql": "SELECT 1", "query": 5}),
    ],
)
def test_a_wrong_body_is_told(api, analyst, body):
    answer = api(analyst).post("/workspace/explorer/runs", body)

    assert answer.status_code == 422
    assert not QueryRun.objects.exists()


def test_only_superusers_and_those_permitted_run(api, outsider, boss, outcome):
    staff = factories.user("staff@example.com", urole="admin")

    for user, status in ((None, 401), (outsider, 403), (staff, 403)):
        answer = api(user).post("/workspace/explorer/runs", {"sql": "SELECT 1"})
        assert answer.status_code == status
    assert rows(outcome("SELECT 1", user=boss)) == [["1"]]


def test_whoever_is_blocked_runs_nothing(api, analyst):
    client = api(analyst)
    analyst.uactive = False
    analyst.save()

    answer = client.post("/workspace/explorer/runs", {"sql": "SELECT 1"})

    assert answer.status_code == 401


def test_a_role_that_may_do_more_runs_nothing(outcome, monkeypatch):
    monkeypatch.setitem(connections["explorer"].settings_dict, "USER", "madang")

    assert code(outcome("SELECT 1")) == "explorer_unsafe"


def test_a_missing_role_is_told(api, analyst, monkeypatch):
    monkeypatch.setitem(connections["explorer"].settings_dict, "USER", "nobody_here")

    answer = api(analyst).post("/workspace/explorer/runs", {"sql": "SELECT 1"})

    assert answer.status_code == 503
    assert answer.json()["code"] == "explorer_unavailable"
    assert "nobody_here" not in answer.json()["detail"]
