"""Files of rows: CSV that no spreadsheet takes for formulas, JSON, a million rows."""

import csv
import io
import json
import tracemalloc

import pytest

from config.errors import DomainError
from workspace.explorer import reading
from workspace.explorer.exports import Export
from workspace.models import QueryRun

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def export(api, analyst):
    def get(sql, form="csv", user=analyst):
        run = QueryRun.objects.create(sql=sql, run_by_user=analyst)
        return api(user).get(f"/workspace/explorer/runs/{run.pk}/rows.{form}")

    return get


def text_of(answer):
    text = b"".join(answer.streaming_content).decode()
    answer.close()
    return text


def test_a_table_for_spreadsheets(export):
    answer = export("VALUES (1, '가,나', NULL), (2, E'two\\nlines', 'say \"x\"')")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    text = text_of(answer)
    assert text.startswith("\ufeff")
    assert list(csv.reader(io.StringIO(text[1:]))) == [
        ["column1", "column2", "column3"],
        ["1", "가,나", ""],
        ["2", "two\nlines", 'say "x"'],
    ]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+82-10-1234-5678", "'+82-10-1234-5678"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-5", "-5"),
        ("-1.5e+20", "-1.5e+20"),
        ("harmless = 1", "harmless = 1"),
    ],
)
def test_no_cell_is_a_formula(export, cell, written):
    quoted = "E'" + cell.replace("\t", "\\t").replace("\r", "\\r") + "'"

    text = text_of(export(f'SELECT {quoted} AS "=head"'))

    read = list(csv.reader(io.StringIO(text[1:], newline="")))
    assert read == [["'=head"], [written]]


def test_numbers_stay_numbers(export):
    sql = "SELECT -5, -1.10::numeric, -2e-7::float8"

    assert text_of(export(sql)).splitlines()[1] == "-5,-1.10,-2e-07"


def test_rows_in_json(export):
    sql = (
        "SELECT 9007199254740993 AS large, -1.10 AS exact, 'NaN'::float8 AS nan,"
        " true AS yes, NULL AS nothing, '{\"a\": [1]}'::jsonb AS doc, '=1' AS text,"
        " 1 AS same, 2 AS same"
    )

    answer = export(sql, "json")

    assert answer["Content-Type"] == "application/json"
    text = text_of(answer)
    assert '"large": 9007199254740993, "exact": -1.10,' in text
    assert json.loads(text) == [
        {
            "large": 9007199254740993,
            "exact": -1.1,
            "nan": "NaN",
            "yes": True,
            "nothing": None,
            "doc": {"a": [1]},
            "text": "=1",
            "same": 1,
            "same_2": 2,
        }
    ]


def test_no_rows(export):
    assert json.loads(text_of(export("SELECT 1 WHERE false", "json"))) == []
    assert text_of(export("SELECT 1 AS a WHERE false")) == "\ufeffa\r\n"


def test_a_million_rows_flow_through_little_memory(export):
    answer = export("SELECT i, md5(i::text) FROM generate_series(1, 1000000) AS i")
    tracemalloc.start()

    size = sum(map(len, answer.streaming_content))
    answer.close()
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    digits = 5_888_896
    assert size == len("\ufeffi,md5\r\n".encode()) + digits + 35_000_000
    assert peak < 10_000_000
    log = QueryRun.objects.get(purpose="csv")
    assert (log.rows, log.success, log.error) == (1_000_000, True, "")


def test_a_mistake_is_told_before_the_file_begins(export):
    answer = export("SELECT nothing")

    assert answer.status_code == 422
    assert answer.json()["code"] == "sql_error"


def test_a_file_that_breaks_off_does_not_look_whole(analyst):
    file = Export(
        user=analyst,
        sql="SELECT 1 / (3000 - i) FROM generate_series(1, 5000) AS i",
        form="json",
    )

    with pytest.raises(DomainError, match="division by zero"):
        b"".join(file)
    assert QueryRun.objects.get().error == "division by zero"


def test_each_part_has_its_time(analyst, monkeypatch):
    monkeypatch.setattr(reading, "QUERY_SECONDS", 0.3)
    sql = "SELECT pg_sleep(i / 4.0) FROM generate_series(0, 60) AS i"

    with pytest.raises(reading.TookTooLong):
        b"".join(Export(user=analyst, sql=sql, form="csv"))


def test_whoever_stops_reading_frees_the_database(export):
    answer = export("SELECT generate_series(1, 1000000)")
    next(iter(answer.streaming_content))

    answer.close()

    assert QueryRun.objects.get(purpose="csv").state == "failed"


def test_a_reader_that_stands_still_can_be_cancelled(export, api, analyst):
    answer = export("SELECT generate_series(1, 1000000)")
    pieces = iter(answer.streaming_content)
    next(pieces)
    pk = QueryRun.objects.get(purpose="csv").pk

    cancelled = api(analyst).post(f"/workspace/explorer/runs/{pk}/cancel")

    assert cancelled.json() == {"cancelled": True}
    with pytest.raises(reading.Cancelled):
        b"".join(pieces)
    answer.close()


def test_others_and_unknown_forms(export, api, outsider, boss):
    assert export("SELECT 1", user=outsider).status_code == 403
    assert export("SELECT 1", user=None).status_code == 401
    assert export("SELECT 1", "xlsx").status_code == 404
    assert text_of(export("SELECT 1 AS a", user=boss)) == "\ufeffa\r\n1\r\n"
    assert api(boss).get("/workspace/explorer/runs/0/rows.csv").status_code == 404
