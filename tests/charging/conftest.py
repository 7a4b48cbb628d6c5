"""People at the bays, and a site that is theirs alone."""

import json
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests import factories
from tests.browsing import browser, chromium, site
from tests.charging import bookings
from tests.charging.upstreams import Service

__all__ = ["browser", "chromium", "site"]

VECTORS = Path(__file__).parent


def vectors(name):
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))


JPEG = bytes.fromhex(vectors("recognition")["image_hex"])
OPENAI_KEY = "sk-test-0123456789"
PLATES_URL = "/charging/api/license-plates"


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


@pytest.fixture
def openai(service, settings):
    """OpenAI, played by `service`."""
    settings.PLATE_SERVICE_MODE = "gptapi"
    settings.OPENAI_API_KEY = OPENAI_KEY
    settings.OPENAI_BASE_URL = service.url
    settings.PLATE_OPENAI_PROMPT = "<PLATE_OPENAI_PROMPT>"
    settings.PLATE_SERVICE_TIMEOUT = 2
    return service


@pytest.fixture
def recogniser(service, settings):
    """A recogniser of one's own, played by `service`."""
    settings.PLATE_SERVICE_MODE = "http"
    settings.PLATE_SERVICE_URL = service.url + "/v1/recognize"
    settings.PLATE_SERVICE_TIMEOUT = 2
    return service


@pytest.fixture
def upload(client, db):
    """Send a picture as a guest does, and return the answer."""

    def post(data=JPEG, name="capture.jpg", kind="image/jpeg", url=PLATES_URL, **extra):
        picture = SimpleUploadedFile(name, data, kind)
        return client.post(url, {"image": picture}, **extra)

    return post
