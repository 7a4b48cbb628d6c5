"""What the board draws of the servers' health."""

import pytest
from django.utils import timezone

from sshops.models import HealthCheck
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/sshops/latencies"


def test_the_last_checks_are_told(api, operator, boss):
    mine, foreign = factories.server(name="db1"), factories.server(name="db2")
    foreign.allowed_users.add(boss)
    for latency in (1.5, None, 2.5):
        for server in (mine, foreign):
            HealthCheck.objects.create(
                server=server, checked_at=timezone.now(), latency_ms=latency
            )

    body = api(operator).get(PATH).json()

    assert body == {
        "are_checks_running": False,
        "latencies": {"db1": [1.5, None, 2.5]},
    }


def test_who_may_look(api, outsider):
    assert api().get(PATH).status_code == 401
    assert api(outsider).get(PATH).status_code == 403
