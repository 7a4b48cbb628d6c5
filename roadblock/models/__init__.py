from roadblock.models.plans import Plan, Roadblock
from roadblock.models.vehicles import (
    Chase,
    Event,
    PoliceCar,
    Position,
    Vehicle,
    VehicleKey,
    VehicleType,
)
from roadblock.models.zones import Alert, Zone

__all__ = [
    "Alert",
    "Chase",
    "Event",
    "Plan",
    "PoliceCar",
    "Position",
    "Roadblock",
    "Vehicle",
    "VehicleKey",
    "VehicleType",
    "Zone",
]
