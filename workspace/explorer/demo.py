"""Saved queries for a new database, each with a chart of another kind."""

from explorer.models import Query

from workspace.explorer import saving
from workspace.models import User

EXAMPLES = [
    {
        "title": "People by role",
        "description": "Superusers count as administrators.",
        "sql": """\
SELECT CASE WHEN is_superuser THEN 'admin' ELSE urole END AS role, count(*) AS people
FROM workspace_user
GROUP BY role
ORDER BY people DESC""",
        "chart": {"kind": "pie", "x": "role", "y": ["people"]},
    },
    {
        "title": "Tables by size",
        "description": "The twelve largest, with their indexes.",
        "sql": """\
SELECT relname AS name,
  pg_table_size(oid) / 1024 AS table_kb,
  pg_indexes_size(oid) / 1024 AS indexes_kb
FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
ORDER BY pg_total_relation_size(oid) DESC
LIMIT 12""",
        "chart": {"kind": "bar", "x": "name", "y": ["table_kb", "indexes_kb"]},
    },
    {
        "title": "What the explorer ran",
        "description": "Rows and milliseconds of the last thousand runs.",
        "sql": """\
SELECT run_at, duration AS milliseconds, rows
FROM explorer_querylog
JOIN workspace_queryrun ON querylog_ptr_id = id
ORDER BY run_at DESC
LIMIT 1000""",
        "chart": {"kind": "scatter", "x": "milliseconds", "y": ["rows"]},
    },
]


def load(is_new):
    """Save the examples in a new database, as its first superuser's."""
    author = User.objects.filter(is_superuser=True).first()
    if is_new and author:
        for example in EXAMPLES:
            saving.save(Query(), user=author, **example)
