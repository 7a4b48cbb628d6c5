"""Paths of the sockets below /roadblock/, with the prefix that old clients have."""

from roadblock.consumers import (
    EventConsumer,
    FrontEventsConsumer,
    FrontVehiclesConsumer,
    VehicleConsumer,
)

routes = [
    ("(api/)?ws/vehicles", VehicleConsumer),
    ("(api/)?ws/events", EventConsumer),
    ("(api/)?ws/front/vehicles", FrontVehiclesConsumer),
    ("(api/)?ws/front/events", FrontEventsConsumer),
]
