import json

import pytest
from django.contrib.auth.models import Permission
from django.db import connections

from tests import factories
from tests.browsing import browser, chromium, site
from workspace.explorer import role

__all__ = ["browser", "chromium", "site"]


@pytest.fixture(autouse=True, scope="session")
def _in_the_test_database(django_db_setup):
    """Lead the explorer's connection to the tests' database, as that of the project."""
    mirror = connections["explorer"].creation
    mirror.set_as_test_mirror(connections["default"].settings_dict)


@pytest.fixture
def analyst(transactional_db):
    """May explore, and is neither staff nor superuser."""
    person = factories.user("analyst@example.com", uname="Analyst")
    person.user_permissions.add(Permission.objects.get(codename="use_explorer"))
    return person


@pytest.fixture
def run(api, analyst):
    """Run SQL over HTTP; return the lines of the answer, but for the empty ones."""

    def post(sql, user=analyst, **body):
        answer = api(user).post("/workspace/explorer/runs", {"sql": sql, **body})
        assert answer.status_code == 200, answer.json()
        text = b"".join(answer.streaming_content)
        answer.close()
        return [json.loads(line) for line in text.splitlines() if line]

    return post


@pytest.fixture
def outcome(run):
    return lambda *args, **body: run(*args, **body)[-1]


@pytest.fixture
def granted(transactional_db):
    """Let the explorer read tables that the test makes; return a function for that."""
    return role.prepare
