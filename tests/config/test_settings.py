"""Settings: what stops a start, and the list of all variables."""

import os
import re
import subprocess
import sys

import pytest

from tests.serving import PROJECT

# A call with a name in capitals: env.int("NAME", 0), rate("NAME", "1/min").
NAME = r"""["']([A-Z][A-Z0-9_]+)["']"""
READS = re.compile(rf"(?:\b(?!setdefault)\w+\(|environ\[)\s*{NAME}")
KEYS = {"SECRET_KEY": "k" * 50, "HMAC_SECRET_KEY": "h" * 50}


@pytest.fixture
def start(tmp_path):
    """Return a function that sets Django up in a process with these variables alone."""

    def run(code="import django; django.setup()", **variables):
        bare = {
            name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ
        }
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=PROJECT,
            env={
                **bare,
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "DATA_DIR": str(tmp_path),
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("name", KEYS)
def test_without_a_key_nothing_starts(start, name):
    keys = {**KEYS, name: ""}

    ended = start(**keys)

    assert ended.returncode == 1
    assert f"ImproperlyConfigured: {name} is not set" in ended.stderr
    assert "script/server makes one" in ended.stderr


def test_keys_are_enough_to_start(start):
    assert start(**KEYS).stderr == ""


def test_keys_may_lie_in_the_data_directory(start, tmp_path):
    lines = [f"{name}={value}\n" for name, value in KEYS.items()]
    (tmp_path / "secrets.env").write_text("".join(lines))

    shown = start(
        "from django.conf import settings; print(settings.SECRET_KEY)",
        HMAC_SECRET_KEY="from the environment",
    )

    assert shown.stdout.strip() == KEYS["SECRET_KEY"]


@pytest.mark.parametrize(
    "url",
    ["sqlite:///db.sqlite3", "mysql://u:p@localhost/db", "postgis://localhost/db"],
)
def test_no_database_but_postgresql_is_taken(start, url):
    ended = start(DATABASE_URL=url, **KEYS)

    assert ended.returncode == 1
    assert "DATABASE_URL must name a PostgreSQL database." in ended.stderr


@pytest.mark.parametrize("url", ["nonsense", "nonsense://", "postgres"])
def test_an_address_that_cannot_be_read_stops_the_start(start, url):
    assert start(DATABASE_URL=url, **KEYS).returncode == 1


def test_addresses_from_outside_are_used(start):
    code = (
        "from django.conf import settings as s;"
        "print(s.DATABASES['default']['HOST'], s.EMBEDDED_POSTGRES, s.EMBEDDED_VALKEY,"
        " s.CACHES['default']['LOCATION'], s.CELERY_BROKER_URL)"
    )

    shown = start(
        code,
        DATABASE_URL="postgres://kim:secret@db.example:5432/madang",
        REDIS_URL="redis://cache.example:6379/1",
        **KEYS,
    )

    valkey = "redis://cache.example:6379/1"
    assert shown.stdout.split() == ["db.example", "False", "False", valkey, valkey]


def test_an_address_in_parts_is_used_where_there_is_no_url(start):
    code = (
        "from django.conf import settings as s; d = s.DATABASES['default'];"
        "print(d['HOST'], d['PORT'], d['NAME'], d['USER'], d['PASSWORD'],"
        " s.EMBEDDED_POSTGRES)"
    )
    parts = {"POSTGRES_HOST": "db.example", "POSTGRES_PASSWORD": "secret"}

    shown = start(code, **parts, **KEYS).stdout.split()
    assert shown == ["db.example", "5432", "mydb", "postgres", "secret", "False"]

    url = "postgres://kim:other@elsewhere.example:5433/madang"
    shown = start(code, **parts, DATABASE_URL=url, **KEYS).stdout.split()
    assert shown == ["elsewhere.example", "5433", "madang", "kim", "other", "False"]


def test_https_makes_cookies_secure(start):
    code = (
        "from django.conf import settings as s;"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT)"
    )

    assert start(code, HTTPS="true", **KEYS).stdout.split() == ["True"] * 3
    assert start(code, **KEYS).stdout.split() == ["False"] * 3


def read_by_the_code():
    files = [PROJECT / "config" / "settings.py"]
    files += PROJECT.glob("*/management/commands/*.py")
    found = set()
    for file in files:
        found |= set(READS.findall(file.read_text(encoding="utf-8")))
    return found


def listed():
    """Return {name: value} of .env.example; each must follow a comment of its own.

    The keys are commented out: a copy of the file must not bring known secrets along.
    """
    variables, before = {}, ""
    for line in (PROJECT / ".env.example").read_text(encoding="utf-8").splitlines():
        if match := re.fullmatch(r"#?([A-Z0-9_]+)=(.*)", line):
            assert before.startswith("# "), f"{match[1]} has no comment"
            assert match[1] not in variables, f"{match[1]} is there twice"
            variables[match[1]] = match[2]
        before = line
    return variables


def test_the_example_lists_what_the_code_reads():
    assert sorted(listed()) == sorted(read_by_the_code())


def test_the_example_is_harmless(start):
    ended = start(**{**listed(), **KEYS})

    assert ended.stderr == ""
    assert ended.returncode == 0
