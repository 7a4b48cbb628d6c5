"""The desk, the columns of a table, saved queries, the log in the admin."""

import json
import re

import pytest
from django.contrib.auth.models import Permission
from django.db import connections
from explorer.models import Query

from tests import factories
from tests.test_pages import inline_parts
from workspace.explorer import role
from workspace.models import Chart, QueryRun

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = ["/workspace/explorer/", "/workspace/explorer/tables/workspace_user"]
PIE = {"kind": "pie", "x": "urole", "y": ["count"]}


@pytest.fixture
def save(api, analyst):
    def post(user=analyst, **fields):
        body = {"title": "People", "sql": "SELECT 1", **fields}
        return api(user).post("/workspace/explorer/queries", body)

    return post


@pytest.mark.parametrize("path", PATHS)
def test_only_superusers_and_those_permitted_see_it(
    client, analyst, boss, outsider, path
):
    staff = factories.user("staff@example.com", urole="admin")

    assert client.get(path)["Location"] == f"/sign-in/?next={path}"
    for user, status in ((outsider, 403), (staff, 403), (analyst, 200), (boss, 200)):
        client.force_login(user)
        assert client.get(path).status_code == status


def test_the_permission_comes_with_a_group(client, outsider):
    group = outsider.groups.create(name="Analysts")
    group.permissions.add(Permission.objects.get(codename="use_explorer"))
    client.force_login(outsider)

    assert client.get("/workspace/explorer/").status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_a_strict_policy_holds(client, analyst, path):
    client.force_login(analyst)

    answer = client.get(path, headers={"accept-language": "ko"})

    html = answer.content.decode()
    assert "SQL 탐색기" in html
    assert inline_parts(html) == []
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_the_desk_lists_what_can_be_read(client, analyst):
    client.force_login(analyst)

    html = client.get("/workspace/explorer/").content.decode()

    tables = re.findall(r'data-name="(\w+)"', html)
    assert "workspace_user" in tables
    assert "django_session" not in tables
    assert "workspace_refreshtoken" not in tables
    assert 'data-insert="uname"' in html
    assert 'data-insert="password"' not in html


@pytest.fixture
def odd_table():
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "CREATE TABLE \"Odd table\" (a int NOT NULL, b text DEFAULT '<x>')"
        )
        role.prepare()
        yield
        cursor.execute('DROP TABLE "Odd table"')


def test_structure_tells_type_nullable_and_default(client, analyst, odd_table):
    client.force_login(analyst)

    html = client.get("/workspace/explorer/tables/Odd%20table").content.decode()
    desk = client.get("/workspace/explorer/?table=Odd table").content.decode()

    assert re.findall(r'<tr>(<th scope="row">.*?)</tr>', html) == [
        '<th scope="row">a</th><td>integer</td><td>no</td><td></td>',
        '<th scope="row">b</th><td>text</td><td>yes</td>'
        "<td><code>&#x27;&lt;x&gt;&#x27;::text</code></td>",
    ]
    sample = "SELECT a, b\nFROM &quot;Odd table&quot;\nLIMIT 100"
    assert f'data-sample="{sample}"' in desk


@pytest.mark.parametrize(
    "path",
    [
        "/workspace/explorer/tables/django_session",
        "/workspace/explorer/tables/nothing",
        "/workspace/explorer/?table=nothing%22%3B--",
        "/workspace/explorer/?query=999999",
        "/workspace/explorer/?query=x",
        "/workspace/explorer/?query=9999999999999999999999",
    ],
)
def test_what_is_not_there_is_404(client, analyst, path):
    client.force_login(analyst)

    answer = client.get(path)

    assert answer.status_code == 404
    assert '<p class="code">404</p>' in answer.content.decode()


def test_the_desk_opens_without_a_database_role(client, analyst, monkeypatch):
    monkeypatch.setitem(connections["explorer"].settings_dict, "USER", "nobody_here")
    client.force_login(analyst)

    html = client.get("/workspace/explorer/").content.decode()
    table = client.get("/workspace/explorer/tables/workspace_user")

    assert "The tables cannot be read at the moment." in html
    assert table.status_code == 503


def test_a_query_is_saved_with_its_chart(save, client, analyst):
    saved = save(sql="SELECT urole, count(*)", description="By role", chart=PIE)

    assert saved.status_code == 201
    assert saved.json() == {
        "id": Query.objects.get().pk,
        "title": "People",
        "description": "By role",
        "sql": "SELECT urole, count(*)",
        "chart": PIE,
        "author": "Analyst",
    }
    client.force_login(analyst)
    page = client.get(f"/workspace/explorer/?query={saved.json()['id']}")
    assert json.loads(page.context["opened"]) == saved.json()
    assert page.context["may_change"] is True


def test_the_author_changes_it_and_others_do_not(save, api, analyst, boss, outsider):
    path = f"/workspace/explorer/queries/{save(chart=PIE).json()['id']}"
    colleague = factories.user("colleague@example.com")
    colleague.user_permissions.add(Permission.objects.get(codename="use_explorer"))
    body = {"title": "Persons", "sql": "SELECT 2"}

    assert api(colleague).put(path, body).json()["code"] == "not_the_author"
    assert api(colleague).delete(path).status_code == 403
    assert api(outsider).put(path, body).status_code == 403
    assert api().delete(path).status_code == 401
    changed = api(analyst).put(path, body).json()
    assert (changed["title"], changed["chart"]) == ("Persons", None)
    assert api(boss).put(path, {**body, "chart": PIE}).json()["author"] == "Analyst"
    assert api(boss).delete(path).status_code == 204
    assert not Query.objects.exists()
    assert not Chart.objects.exists()
    assert api(boss).put(path, body).status_code == 404


def test_a_run_of_a_saved_query_outlives_it(save, api, run, analyst):
    pk = save().json()["id"]
    run("SELECT 1", query=pk)

    api(analyst).delete(f"/workspace/explorer/queries/{pk}")

    assert QueryRun.objects.get().query is None


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"title": "x" * 256},
        {"sql": ""},
        {"chart": {"kind": "cloud", "x": "a", "y": []}},
        {"chart": {"kind": "bar", "x": "a", "y": ["b"] * 11}},
        {"chart": {"kind": "bar", "x": 1, "y": ["b"]}},
        {"chart": []},
    ],
)
def test_a_wrong_query_is_told(save, fields):
    assert save(**fields).status_code == 422


@pytest.mark.parametrize("count", [1, 3])
def test_the_desk_takes_the_same_number_of_queries(
    save, client, analyst, django_assert_num_queries, count
):
    client.force_login(analyst)
    for number in range(count):
        save(title=f"Number {number}")

    with django_assert_num_queries(4):
        client.get("/workspace/explorer/")


def test_the_log_is_read_in_the_admin(client, boss, run):
    run("SELECT generate_series(1, 7)")
    client.force_login(boss)

    listed = client.get("/admin/workspace/queryrun/").content.decode()
    pk = QueryRun.objects.get().pk
    one = client.get(f"/admin/workspace/queryrun/{pk}/change/").content.decode()

    assert "SELECT generate_series(1, 7)" in listed
    assert "Analyst" in listed
    assert "SELECT generate_series(1, 7)" in one
    assert client.post(f"/admin/workspace/queryrun/{pk}/delete/").status_code == 403
    assert client.get("/admin/workspace/queryrun/add/").status_code == 403


def test_the_admin_leads_there_whoever_may(client, boss):
    way = 'href="/workspace/explorer/"'
    client.force_login(boss)
    assert way in client.get("/admin/").content.decode()

    client.force_login(factories.user("staff@example.com", urole="admin"))
    assert way not in client.get("/admin/").content.decode()


def test_staff_without_the_permission_read_no_log(client, db):
    client.force_login(factories.user("staff@example.com", urole="admin"))

    assert client.get("/admin/workspace/queryrun/").status_code == 403


@pytest.mark.parametrize("model", ["query", "databaseconnection", "explorervalue"])
def test_what_the_library_would_let_be_changed_is_not_there(client, boss, model):
    client.force_login(boss)

    assert client.get(f"/admin/explorer/{model}/").status_code == 404
