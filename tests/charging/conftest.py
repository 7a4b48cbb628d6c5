"""People at the bays, and a site that is theirs alone."""

import json
from pathlib import Path

import pytest

from tests import factories
from tests.browsing import browser, chromium, site
from tests.charging import bookings
from tests.charging.upstreams import Service

__all__ = ["browser", "chromium", "site"]

VECTORS = Path(__file__).parent


def vectors(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def driver(db):
    """Signed in, owner of what she books."""
    return factories.user("driver@example.com")


@pytest.fixture
def stranger(db):
    """Signed in, owner of nothing."""
    return factories.user("stranger@example.com")


@pytest.fixture
def staff(db):
    return factories.user("staff@example.com", urole="admin")


@pytest.fixture
def book(transactional_db):
    """Store a reservation and return it; see bookings.booked."""
    return bookings.booked


@pytest.fixture
def service():
    """Somebody else's service on a real port; see upstreams.Service."""
    service = Service()
    yield service
    service.stop()
