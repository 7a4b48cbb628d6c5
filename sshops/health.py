"""How the servers do: check them, remember it, tell of changes.

A round looks at every server in use, SSHOPS_HEALTH_INTERVAL after the end of the one
before. A server is healthy from its first success, and unhealthy from the second
failure in a row. Health that no check has confirmed for a while is no health: it is
taken back, so that nobody sees a green that nobody has checked.
"""

import asyncio
import logging
from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone

from config.realtime import publish
from sshops.models import HealthCheck, HealthRound, Server, ServerHealth
from sshops.probes import probe_all
from sshops.times import local

log = logging.getLogger(__name__)

HEALTH_GROUP = "sshops.health"
FAILURES = 2
MISSED_ROUNDS = 3
LONGEST_ROUND = timedelta(minutes=2)
SPARK_CHECKS = 30


def as_json(server, health, now=None):
    """Return a server's health as clients know it; `health` may be None."""
    health = health or ServerHealth(server=server)
    checked = health.last_checked
    return {
        "server_name": server.name,
        "host": server.host,
        "port": server.port,
        "is_healthy": health.is_healthy and checked > stale_before(now),
        "last_checked": local(checked),
        "consecutive_failures": health.consecutive_failures,
        "consecutive_successes": health.consecutive_successes,
    }


def by_name(servers):
    """Return {name: health} of servers."""
    now = timezone.now()
    rows = servers.without_secrets().filter(is_active=True).select_related("health")
    return {row.name: as_json(row, getattr(row, "health", None), now) for row in rows}


def stale_before(now=None):
    """Return the moment before which a check tells nothing of the present."""
    missed = MISSED_ROUNDS * settings.SSHOPS_HEALTH_INTERVAL
    limit = missed + settings.SSHOPS_HEALTH_TIMEOUT
    return (now or timezone.now()) - timedelta(seconds=limit)


# Rounds


def check_all():
    """Run a round when one is due and nobody else does; tell whether it was run."""
    if not _begin():
        return False
    servers = list(Server.objects.filter(is_active=True))
    try:
        asyncio.run(probe_all(servers, note))
    finally:
        HealthRound.objects.update(finished_at=timezone.now())
    return True


def _begin():
    HealthRound.objects.get_or_create(pk=1)
    now = timezone.now()
    due = now - timedelta(seconds=settings.SSHOPS_HEALTH_INTERVAL)
    is_due = Q(started_at=None) | Q(finished_at__lte=due)
    # A round that never ended: its worker was killed.
    is_due |= Q(finished_at=None, started_at__lte=now - LONGEST_ROUND)
    rounds = HealthRound.objects.filter(is_due)
    return bool(rounds.update(started_at=now, finished_at=None))


def check(server_ids):
    """Look at some servers now, whenever their round is."""
    servers = list(Server.objects.filter(pk__in=server_ids, is_active=True))
    if servers:
        asyncio.run(probe_all(servers, note))


def note(probes):
    """Store what probes found, and publish whose health has changed by it."""
    close_old_connections()
    try:
        _note({probe.server_id: probe for probe in probes})
    finally:
        close_old_connections()


def _note(probes):
    with transaction.atomic():
        servers = Server.objects.without_secrets().filter(pk__in=probes, is_active=True)
        # Whoever moved meanwhile was looked at where it is not any more.
        servers = [s for s in servers if (s.host, s.port) == probes[s.pk].address]
        ServerHealth.objects.bulk_create(
            [ServerHealth(server=server) for server in servers], ignore_conflicts=True
        )
        rows = ServerHealth.objects.select_for_update().filter(server__in=servers)
        rows = {row.server_id: row for row in rows.order_by("pk")}
        checks, changed = [], []
        for server in servers:
            row, probe = rows[server.pk], probes[server.pk]
            if apply(row, probe):
                changed.append((server, row))
            checks.append(
                HealthCheck(
                    server=server,
                    checked_at=probe.at,
                    latency_ms=probe.latency_ms,
                    error_code=probe.error_code,
                )
            )
        ServerHealth.objects.bulk_update(
            rows.values(),
            [
                *("is_healthy", "last_checked", "consecutive_failures"),
                *("consecutive_successes", "latency_ms", "error_code"),
            ],
        )
        HealthCheck.objects.bulk_create(checks)
        for server, row in changed:
            _tell(server, row)


def apply(row, probe):
    """Bring a ServerHealth up to date; tell whether everybody should hear of it."""
    was_healthy = row.is_healthy
    row.last_checked = probe.at
    row.latency_ms = probe.latency_ms
    row.error_code = probe.error_code
    if probe.error_code is None:
        row.consecutive_successes += 1
        row.consecutive_failures = 0
        row.is_healthy = True
    else:
        row.consecutive_failures += 1
        row.consecutive_successes = 0
        row.is_healthy = was_healthy and row.consecutive_failures < FAILURES
    return row.is_healthy != was_healthy


def _tell(server, row):
    log.log(
        logging.INFO if row.is_healthy else logging.WARNING,
        "%s is %s",
        server.name,
        "healthy" if row.is_healthy else f"not healthy ({row.error_code or 'stale'})",
    )
    publish(
        HEALTH_GROUP,
        "server.health",
        server_id=server.pk,
        health=as_json(server, row),
        latency_ms=row.latency_ms,
    )


def take_back_stale():
    """Make unhealthy what no check has confirmed for long; tell of it."""
    stale = ServerHealth.objects.filter(
        is_healthy=True, last_checked__lte=stale_before()
    )
    if not stale.exists():
        return
    with transaction.atomic():
        rows = stale.select_for_update(of=["self"]).select_related("server")
        for row in rows.defer("server__password", "server__private_key"):
            row.is_healthy, row.consecutive_successes = False, 0
            row.save(update_fields=["is_healthy", "consecutive_successes"])
            _tell(row.server, row)


def forget(server):
    """Start anew: what was known is of another address."""
    ServerHealth.objects.filter(server=server).delete()


def sweep():
    """Forget old checks."""
    kept = timedelta(hours=settings.SSHOPS_HEALTH_KEEP_HOURS)
    HealthCheck.objects.filter(checked_at__lt=timezone.now() - kept).delete()


# For pages


def are_checks_running(now=None):
    """Tell whether rounds are being run."""
    newest = HealthRound.objects.filter(finished_at__gt=stale_before(now))
    return (
        newest.exists()
        or HealthRound.objects.filter(
            finished_at=None, started_at__gt=stale_before(now) - LONGEST_ROUND
        ).exists()
    )


def sparks(servers):
    """Return {server id: latencies of the last checks, oldest first, null: failed}."""
    since = timezone.now() - timedelta(
        seconds=SPARK_CHECKS
        * (settings.SSHOPS_HEALTH_INTERVAL + settings.SSHOPS_HEALTH_TIMEOUT)
    )
    found = {server.pk: [] for server in servers}
    checks = HealthCheck.objects.filter(server__in=found, checked_at__gt=since)
    for id, latency in checks.order_by("checked_at").values_list(
        "server_id", "latency_ms"
    ):
        found[id].append(latency)
    return {id: latencies[-SPARK_CHECKS:] for id, latencies in found.items()}
