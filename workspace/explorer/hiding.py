"""What the explorer never shows: passwords, and what opens a session.

Told by names, so that what comes later is hidden too, and by the kind of a column.
"""

import re
from functools import cache

from django.apps import apps
from django.conf import settings

from config.secrets import SecretField

TABLES = re.compile(
    r"^django_session$|^explorer_databaseconnection$"
    r"|token|sign_?in|credential|secret|password|vehicle_?key|api_?key"
)
COLUMNS = re.compile(
    r"pass(word|wd|phrase|code)|secret|token|credential|private_?key|api_?key"
    r"|session_?(key|data)|otp|salt"
)


def is_hidden(table, column):
    """Tell whether nobody may read this column with the explorer."""
    return (
        TABLES.search(table) is not None
        or COLUMNS.search(column) is not None
        or (table, column) in secret_columns()
        or not {table, f"{table}.{column}"}.isdisjoint(
            settings.WORKSPACE_EXPLORER_HIDDEN
        )
    )


@cache
def secret_columns():
    return {
        (model._meta.db_table, field.column)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_concrete_fields
        if isinstance(field, SecretField)
    }
