"""The audit log: it only grows, and tells who laid hands on it."""

from io import StringIO
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from sshops import audit
from sshops.models import AuditEntry, AuditHead

pytestmark = pytest.mark.django_db(transaction=True)


def written(count=3):
    return [
        audit.record(kind="command", user="kim@example.com", text=f"echo {number}")
        for number in range(count)
    ]


def meddle(statement, *values):
    """Do in the database what the application cannot."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sshops_auditentry DISABLE TRIGGER ALL")
        cursor.execute(statement, values)
        cursor.execute("ALTER TABLE sshops_auditentry ENABLE TRIGGER ALL")


def verdict():
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_audit", stdout=out, stderr=err)
    except CommandError:
        return err.getvalue().splitlines()
    return out.getvalue().strip()


def test_what_began_and_how_it_ended(outsider):
    entry = audit.record(
        kind="command",
        user=outsider,
        connection_id="7c1f",
        server_name="db1",
        text="df -h",
    )
    audit.finish(entry, "error", exit_status=2, error_code=22000)

    begun = AuditEntry.objects.begun().get()
    assert (begun.user, begun.server_name, begun.text) == (
        "outsider@example.com",
        "db1",
        "df -h",
    )
    assert (begun.outcome, begun.last.outcome) == ("running", "error")
    assert (begun.last.exit_status, begun.last.error_code) == (2, 22000)
    assert begun.last.at >= begun.at


def test_it_ends_once():
    (entry,) = written(1)

    assert audit.finish(entry, "complete", exit_status=0) is not None
    assert audit.finish(entry, "cancelled") is None
    assert AuditEntry.objects.begun().get().last.outcome == "complete"


def test_what_is_over_at_once_has_no_end():
    entry = audit.record(kind="session", text="signed in", outcome="complete")

    assert audit.finish(entry, "error") is None
    assert entry.last is entry


def test_zero_characters_and_korean_are_kept():
    audit.record(kind="command", text="echo 한글\0")

    assert AuditEntry.objects.get().text == "echo 한글\\0"
    assert verdict() == "1 rows, all as they were written"


def test_the_database_changes_and_deletes_nothing():
    written()

    for attempt in (
        lambda: AuditEntry.objects.filter(id=2).update(text="ls"),
        lambda: AuditEntry.objects.filter(id=2).delete(),
    ):
        with pytest.raises(ProgrammingError, match="only grows"), transaction.atomic():
            attempt()
    assert verdict() == "3 rows, all as they were written"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE sshops_auditentry SET text = 'ls' WHERE id = 2", ["row 2: changed"]),
        (
            "UPDATE sshops_auditentry SET at = at - interval '1 hour' WHERE id = 1",
            ["row 1: changed"],
        ),
        ("DELETE FROM sshops_auditentry WHERE id = 2", ["row 2: removed"]),
        ("DELETE FROM sshops_auditentry WHERE id = 3", ["row 3: removed from"]),
        ("DELETE FROM sshops_auditentry", ["row 1: removed from"]),
        ("DELETE FROM sshops_audithead", ["row 3: not the end that was written"]),
        (
            "UPDATE sshops_auditentry SET text = CASE id WHEN 2 THEN 'echo 2' ELSE"
            " 'echo 1' END WHERE id IN (2, 3)",
            ["row 2: changed", "row 3: changed"],
        ),
        (
            "UPDATE sshops_auditentry SET seal = (SELECT seal FROM sshops_auditentry"
            " WHERE id = 1) WHERE id = 2",
            ["row 2: changed", "row 3: changed"],
        ),
    ],
)
def test_meddling_is_found(statement, found):
    written()
    assert verdict() == "3 rows, all as they were written"

    meddle(statement)

    assert verdict() == found


def test_a_row_of_another_key_is_found(settings):
    written(1)
    audit._key.cache_clear()
    settings.SSHOPS_AUDIT_KEY = "somebody else's"
    try:
        written(1)
    finally:
        audit._key.cache_clear()
    settings.SSHOPS_AUDIT_KEY = ""

    assert verdict() == ["row 2: changed"]


def test_an_empty_log_is_in_order():
    assert verdict() == "0 rows, all as they were written"


def test_many_at_once_make_one_chain():
    def work():
        try:
            for entry in written(5):
                audit.finish(entry, "complete")
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert verdict() == "60 rows, all as they were written"
    assert AuditHead.objects.get().newest == 60
