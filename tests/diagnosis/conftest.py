import pytest

from diagnosis.models import Role
from tests import factories
from tests.browsing import browser, chromium, site
from tests.stores import fixtures, s3_server

__all__ = [
    "browser",
    "chromium",
    "s3_server",
    "site",
]

disk, bucket, nowhere, shelf = fixtures("recordings")


@pytest.fixture
def doctor(transactional_db):
    """A doctor; her patients are hers alone."""
    return factories.account("kim01", uname="Kim")


@pytest.fixture
def colleague(transactional_db):
    """Another doctor."""
    return factories.account("park01", uname="Park")


@pytest.fixture
def nurse(transactional_db):
    """Of the clinic, but no doctor."""
    return factories.account("nurse01", role=Role.NURSE)


@pytest.fixture
def patient(doctor):
    return factories.patient(doctor)


@pytest.fixture
def session(patient):
    """A session of the doctor's patient, whose headset is present."""
    return factories.session(patient)
