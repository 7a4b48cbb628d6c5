"""The role itself, without the explorer's own care: what PostgreSQL lets it do."""

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections
from psycopg import errors

from config.secrets import SecretField
from tests import factories
from workspace.explorer import role
from workspace.explorer.hiding import is_hidden

changes_tables = pytest.mark.django_db(transaction=True)

NAME = "madang_explorer"


@pytest.fixture
def session(django_db_setup):
    """A plain session of the role, that may even write as far as sessions go."""
    given = connections["explorer"].settings_dict
    opened = psycopg.connect(
        host=given["HOST"], dbname=given["NAME"], user=given["USER"], autocommit=True
    )
    opened.execute("SET default_transaction_read_only = off")
    yield opened
    opened.close()


def test_it_reads(session, transactional_db):
    factories.user()

    assert session.execute("SELECT email FROM workspace_user").fetchall() == [
        ("kim@example.com",)
    ]
    assert session.execute("SELECT count(*) FROM workspace_user").fetchall() == [(1,)]


WRITES = [
    "INSERT INTO auth_group (name) VALUES ('x')",
    "UPDATE workspace_user SET is_superuser = true",
    "DELETE FROM charging_reservation",
    "WITH gone AS (DELETE FROM workspace_user RETURNING uid) SELECT * FROM gone",
    "EXPLAIN ANALYZE DELETE FROM workspace_user",
    "TRUNCATE charging_reservation",
    "DROP TABLE workspace_user",
    "COMMIT; DROP TABLE workspace_user",
    "ALTER TABLE workspace_user DISABLE TRIGGER ALL",
    "CREATE TABLE mine (id int)",
    "CREATE TEMPORARY TABLE mine (id int)",
    "SELECT 1 AS a INTO mine",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION dblink",
    "CREATE ROLE mine",
    f"ALTER ROLE {NAME} SUPERUSER",
    "SET ROLE madang",
    "SET SESSION AUTHORIZATION madang",
    "SELECT set_config('role', 'madang', false)",
    "GRANT SELECT ON workspace_user TO PUBLIC",
    "BEGIN; LOCK TABLE workspace_user IN EXCLUSIVE MODE",
    "SELECT * FROM auth_group FOR UPDATE",
    "SELECT nextval('auth_group_id_seq')",
    "COPY auth_group FROM '/etc/passwd'",
    "COPY (SELECT 1) TO '/tmp/madang-explorer'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY auth_group FROM PROGRAM 'true'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_reload_conf()",
    "SELECT set_config('statement_timeout', '0', false)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_xact_lock(1)",
    "SELECT pg_notify('everybody', 'x')",
    "SELECT pg_logical_emit_message(false, 'x', 'x')",
    "ALTER SYSTEM SET log_statement = 'all'",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'madang'",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_shadow",
    "DO $$ BEGIN EXECUTE 'DROP TABLE workspace_user'; END $$",
]


@pytest.mark.parametrize("sql", WRITES)
def test_it_does_nothing_else(session, sql):
    with pytest.raises(
        (
            errors.InsufficientPrivilege,
            errors.FeatureNotSupported,  # an extension that is not there to begin with
        )
    ):
        session.execute(sql)


def test_another_database_function_is_not_there(session):
    with pytest.raises(errors.UndefinedFunction):
        session.execute("SELECT * FROM dblink('', 'SELECT 1') AS t (a int)")


SECRETS = [
    "SELECT password FROM workspace_user",
    "SELECT * FROM workspace_user",
    "SELECT workspace_user FROM workspace_user",
    "TABLE workspace_user",
    "SELECT 1 FROM workspace_user WHERE password LIKE 'argon2%'",
    "SELECT max(password) FROM workspace_user",
    "SELECT to_jsonb(u) FROM workspace_user u",
    "SELECT uname FROM workspace_user ORDER BY password",
    "SELECT uname FROM workspace_user u JOIN (SELECT 'a' password) p USING (password)",
    "SELECT * FROM django_session",
    "SELECT count(*) FROM workspace_refreshtoken",
    "SELECT count(*) FROM workspace_tokenfamily",
    "SELECT count(*) FROM diagnosis_signin",
    "SELECT count(*) FROM diagnosis_headsettoken",
    "SELECT count(*) FROM roadblock_vehiclekey",
    "SELECT count(*) FROM explorer_databaseconnection",
    "SELECT * FROM pg_statistic",
]


@pytest.mark.parametrize("sql", SECRETS)
def test_it_reads_nothing_secret(session, sql):
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute(sql)


@changes_tables
def test_statistics_do_not_tell_of_secrets(session):
    factories.user()
    connection.cursor().execute("ANALYZE workspace_user")

    found = session.execute(
        "SELECT attname FROM pg_stats WHERE tablename = 'workspace_user'"
    ).fetchall()

    assert ("uname",) in found
    assert ("password",) not in found


def test_statements_of_others_are_not_told(session):
    others = "SELECT query FROM pg_stat_activity WHERE usename = 'madang'"

    told = {query for (query,) in session.execute(others).fetchall()}

    assert told == {"<insufficient privilege>"}


@changes_tables
def test_no_function_lends_its_owners_rights():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc"
            " WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        )
        assert cursor.fetchall() == []


def test_every_secret_column_of_a_model_is_hidden():
    secrets = [
        (model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, SecretField) or field.column == "password"
    ]

    assert ("roadblock_vehiclekey", "secret") in secrets
    assert [place for place in secrets if not is_hidden(*place)] == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("charging_chargingsession", "name"),
        ("diagnosis_testsession", "code"),
        ("diagnosis_sessiontransition", "reason"),
        ("diagnosis_recording", "sha256"),
        ("workspace_user", "email"),
    ],
)
def test_words_that_only_look_alike_are_shown(table, column):
    assert not is_hidden(table, column)


def test_the_owner_may_hide_more(settings):
    settings.WORKSPACE_EXPLORER_HIDDEN = ["diagnosis_patient", "workspace_user.email"]

    assert is_hidden("diagnosis_patient", "name")
    assert is_hidden("workspace_user", "email")
    assert not is_hidden("workspace_user", "uname")


@changes_tables
def test_its_settings_hold():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolconfig, rolsuper OR rolcreatedb OR rolcreaterole OR rolinherit"
            " FROM pg_roles WHERE rolname = %s",
            [NAME],
        )
        config, more = cursor.fetchone()

    assert "default_transaction_read_only=on" in config
    assert "statement_timeout=10s" in config
    assert more is False


@pytest.fixture
def orders():
    """A table that some app's migration has just brought."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE shop_order (id int, note text, api_token text)")
        yield cursor
        cursor.execute("DROP TABLE shop_order")


@changes_tables
def test_a_migration_opens_new_tables_but_for_what_is_hidden(session, orders):
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute("SELECT id FROM shop_order")

    call_command("migrate", verbosity=0)

    session.execute("SELECT id, note FROM shop_order")
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute("SELECT api_token FROM shop_order")


@changes_tables
def test_a_column_that_becomes_secret_is_closed(session, orders):
    role.prepare()
    orders.execute("ALTER TABLE shop_order RENAME note TO password")

    role.prepare()

    session.execute("SELECT id FROM shop_order")
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute("SELECT password FROM shop_order")


@changes_tables
def test_rights_given_by_others_are_taken_away(session, orders):
    orders.execute(f"GRANT ALL ON shop_order TO {NAME}")

    role.prepare()

    session.execute("SELECT id FROM shop_order")
    with pytest.raises(errors.InsufficientPrivilege):
        session.execute("DELETE FROM shop_order")


@changes_tables
def test_what_stays_open_is_told(orders, caplog):
    orders.execute("GRANT SELECT ON shop_order TO PUBLIC")

    role.prepare()

    assert f"{NAME} can read api_token of shop_order." in caplog.text


@pytest.fixture
def hosted(settings):
    """Return a function that makes such a database's owner the one who migrates."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE host_owner LOGIN")
        # Where no superuser has prepared, everybody may call it.
        lock = "EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint)"
        cursor.execute(f"GRANT {lock} TO host_owner")

        def as_owner(attributes=""):
            cursor.execute(f"ALTER ROLE host_owner {attributes or 'NOCREATEROLE'}")
            cursor.execute("SET SESSION AUTHORIZATION host_owner")

        yield as_owner
        cursor.execute("RESET SESSION AUTHORIZATION")
        cursor.execute("DROP ROLE IF EXISTS hosted_explorer")
        cursor.execute("DROP OWNED BY host_owner")
        cursor.execute("DROP ROLE host_owner")


def named(monkeypatch, name, password=""):
    settings_dict = connections["explorer"].settings_dict
    monkeypatch.setitem(settings_dict, "USER", name)
    monkeypatch.setitem(settings_dict, "PASSWORD", password)


@changes_tables
def test_an_owner_who_makes_no_roles_is_told(hosted, monkeypatch, caplog):
    named(monkeypatch, "hosted_explorer")
    hosted()

    role.prepare()

    assert "waits for a role named hosted_explorer" in caplog.text


@changes_tables
def test_an_owner_who_makes_roles_makes_it(hosted, monkeypatch):
    named(monkeypatch, "hosted_explorer", "a secret of many letters")
    hosted("CREATEROLE")

    role.prepare()
    role.prepare()

    with connection.cursor() as cursor:
        cursor.execute("RESET SESSION AUTHORIZATION")
        cursor.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'hosted_explorer'"
        )
        assert cursor.fetchone()[0].startswith("SCRAM-SHA-256$")
