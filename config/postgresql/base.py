"""Django's PostgreSQL backend, which notices when the database is away.

Connecting, and nothing else, is tried again by the process' watch (config/outages.py):
nothing has been written then. A pooled connection is looked at before it is used: one
that the server ended has something to read, which costs next to nothing to see; one
that was idle for long is tried.
"""

import select
import time
from contextlib import suppress

import psycopg
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.postgresql import base
from psycopg_pool import ConnectionPool, PoolTimeout

from config import outages

VERDICT_SECONDS = 2.5  # from the first try on; a client hears within 3
IDLE_SECONDS = 5  # from then on a line may have died without a word


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params):
        if self.alias != DEFAULT_DB_ALIAS:
            return super().get_new_connection(conn_params)
        deadline = time.monotonic() + VERDICT_SECONDS
        outages.watch.refuse()
        try:
            return self.connected(conn_params)
        except psycopg.OperationalError as error:
            if not outages.is_outage(error):
                raise
            patience = deadline - time.monotonic()
            if not outages.watch.answers(Probe(conn_params), error, patience):
                raise
            if isinstance(error, PoolTimeout):
                raise  # it answers; all our connections are in use, and that takes long
        return self.connected(conn_params)

    def connected(self, conn_params):
        if not self.pool:
            outages.refuse_while_closed()
        connection = super().get_new_connection(conn_params)
        if self.pool:
            try:
                if is_doubtful(connection):
                    ConnectionPool.check_connection(connection)
            except BaseException:
                connection._pool.putconn(connection)
                raise
        return connection

    def _configure_connection(self, connection):
        if self.pool:
            outages.refuse_while_closed()
        return super()._configure_connection(connection)

    def _close(self):
        if self.connection is not None:
            self.connection.used_at = time.monotonic()
        return super()._close()

    @property
    def pool(self):
        # A probe may take the pool away between Django's two looks at the dict.
        while True:
            with suppress(KeyError):
                return super().pool

    def probe(self):
        """Return the Probe of this database, for who saw a statement fail."""
        return Probe(self.get_connection_params())


def is_doubtful(connection):
    """Tell whether a pooled connection may have broken since it was last used."""
    if time.monotonic() - getattr(connection, "used_at", 0) > IDLE_SECONDS:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class Probe:
    """Asks whether a database answers, by a connection of its own."""

    def __init__(self, conn_params):
        self.conn_params = conn_params

    def look(self):
        """Return when the database answers; raise psycopg.OperationalError."""
        outages.refuse_while_closed()
        with psycopg.connect(**self.conn_params, autocommit=True) as connection:
            connection.execute("SELECT 1")

    def forget_connections(self):
        """Let new connections replace those of the process, which broke."""
        pool = DatabaseWrapper._connection_pools.pop(DEFAULT_DB_ALIAS, None)
        if pool is not None:
            pool.close()
