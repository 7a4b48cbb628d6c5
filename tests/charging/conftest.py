import pytest

from tests.charging.upstreams import Service


@pytest.fixture
def service():
    """Somebody else's service on a real port; see upstreams.Service."""
    service = Service()
    yield service
    service.stop()
