import pytest

from roadblock import utm


def test_utm_south_of_the_equator():
    # The metres are those that PROJ gives for Sydney's opera house.
    place = utm.to_wgs84(334900.5697, 6252288.7529, 56, south=True)

    assert place == pytest.approx((-33.8568, 151.2153), abs=1e-8)
