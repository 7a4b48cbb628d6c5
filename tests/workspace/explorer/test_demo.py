import pytest
from explorer.models import Query

from workspace.explorer import demo

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_example_gives_rows_and_what_its_chart_draws(boss, outcome):
    demo.load(is_new=True)

    assert Query.objects.count() == len(demo.EXAMPLES)
    for query in Query.objects.select_related("chart"):
        told = outcome(query.sql)
        kinds = {column["name"]: column["kind"] for column in told["columns"]}
        assert told["rows"]
        assert query.chart.x in kinds
        assert {kinds[name] for name in query.chart.y} == {"number"}


def test_only_a_new_database_gets_them(boss):
    demo.load(is_new=False)

    assert not Query.objects.exists()
