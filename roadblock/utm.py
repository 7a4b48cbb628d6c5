"""Easting and northing in a UTM zone become latitude and longitude (WGS84).

The inverse Krüger series to the sixth power of the third flattening, as in
C. F. F. Karney, "Transverse Mercator with an accuracy of a few nanometers"
(Journal of Geodesy 85, 2011), equations 11 and 36.
"""

from math import atan, atan2, atanh, cos, cosh, degrees, hypot, sin, sinh, sqrt

EQUATOR_RADIUS = 6378137.0
FLATTENING = 1 / 298.257223563
SCALE = 0.9996
FALSE_EASTING = 500_000.0
FALSE_NORTHING_SOUTH = 10_000_000.0

_n = FLATTENING / (2 - FLATTENING)
_ECCENTRICITY = sqrt(FLATTENING * (2 - FLATTENING))
_RECTIFYING_RADIUS = EQUATOR_RADIUS / (1 + _n) * (1 + _n**2 / 4 + _n**4 / 64)
_BETA = (
    _n / 2
    - 2 * _n**2 / 3
    + 37 * _n**3 / 96
    - _n**4 / 360
    - 81 * _n**5 / 512
    + 96199 * _n**6 / 604800,
    _n**2 / 48
    + _n**3 / 15
    - 437 * _n**4 / 1440
    + 46 * _n**5 / 105
    - 1118711 * _n**6 / 3870720,
    17 * _n**3 / 480 - 37 * _n**4 / 840 - 209 * _n**5 / 4480 + 5569 * _n**6 / 90720,
    4397 * _n**4 / 161280 - 11 * _n**5 / 504 - 830251 * _n**6 / 7257600,
    4583 * _n**5 / 161280 - 108847 * _n**6 / 3991680,
    20648693 * _n**6 / 638668800,
)


def to_wgs84(
    easting: float, northing: float, zone: int, south: bool = False
) -> tuple[float, float]:
    """Latitude and longitude in degrees of a point given in metres.

    `zone` is 1 to 60; `south` tells that northings count from the South Pole's
    side (10,000 km at the equator).
    """
    if south:
        northing -= FALSE_NORTHING_SOUTH
    xi = northing / (SCALE * _RECTIFYING_RADIUS)
    eta = (easting - FALSE_EASTING) / (SCALE * _RECTIFYING_RADIUS)
    sphere_xi, sphere_eta = xi, eta
    for power, beta in enumerate(_BETA, start=1):
        sphere_xi -= beta * sin(2 * power * xi) * cosh(2 * power * eta)
        sphere_eta -= beta * cos(2 * power * xi) * sinh(2 * power * eta)

    conformal = sin(sphere_xi) / hypot(sinh(sphere_eta), cos(sphere_xi))
    longitude = atan2(sinh(sphere_eta), cos(sphere_xi))
    latitude = atan(_geographic_tangent(conformal))
    return degrees(latitude), degrees(longitude) + zone * 6 - 183


def _geographic_tangent(conformal: float) -> float:
    """The latitude's tangent from the conformal latitude's, by Newton's method."""
    tangent = conformal
    for _ in range(4):  # the third step no longer changes a float64
        secant = hypot(1, tangent)
        sigma = sinh(_ECCENTRICITY * atanh(_ECCENTRICITY * tangent / secant))
        guess = tangent * hypot(1, sigma) - sigma * secant
        step = (conformal - guess) / hypot(1, guess)
        shrink = 1 - _ECCENTRICITY**2
        tangent += step * (1 + shrink * tangent**2) / (shrink * secant)
    return tangent
