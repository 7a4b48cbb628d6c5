"""The vehicles' binary sockets, the dashboards' sockets."""

import json
import logging

from django.conf import settings
from django.db import DatabaseError

from config.consumers import SIGNED_OUT, Consumer, Refusal
from config.errors import DatabaseUnavailable, DomainError
from config.realtime import in_thread
from roadblock import chases, dashboards, fleet, packets, tracking
from roadblock.models import Roadblock
from roadblock.wire import (
    CARS_ON_EVENTS,
    CARS_ON_VEHICLES,
    DASHBOARD_EVENTS,
    DASHBOARD_VEHICLES,
    PLANS,
    SHARED_KEY,
)

log = logging.getLogger(__name__)


class CarConsumer(Consumer):
    """A socket of vehicles: frames prove themselves by their signature."""

    login_required = False
    max_frame_bytes = 1 << 16
    group = None
    other_socket = frozenset()  # types that belong to the vehicles' other socket

    async def connect(self):
        if settings.ROADBLOCK_VEHICLE_TOKEN and not self.user.is_authenticated:
            raise Refusal(SIGNED_OUT)
        self.tracker = await tracking.tracker()
        await self.join(self.group)
        for number in self.tracker.open_runners():
            self.send(packets.chase_started_for_vehicles(SHARED_KEY, number))

    async def receive(self, data):
        if isinstance(data, str) or data[:1] in self.other_socket:
            return
        key = SHARED_KEY
        try:
            report = packets.parse(data, self.tracker.key_of)
            if report is None or isinstance(report, packets.CollisionNotice):
                return
            number = self.speaker_of(report)
            key = self.tracker.key_of(number)
            if type(report) is not packets.PositionReport and (
                not self.tracker.may_report(number)
            ):
                return
            if self.tracker.keys and not await self.tracker.is_fresh(report, number):
                raise packets.Refused(packets.Nack.FORMAT)
            await self.act(report)
        except packets.Refused as refused:
            self.tracker.refused += 1
            self.send(packets.nack(key, refused.code))
        except DomainError as error:
            self.send(packets.nack(key, NACKS.get(type(error), packets.Nack.DATA)))
        except DatabaseError as error:
            log.error("A frame could not be acted upon: %s", error)
            self.send(packets.nack(key, packets.Nack.DATABASE))

    async def frame(self, event):
        await self.transmit(event["frame"])

    async def frames(self, event):
        for frame in event["frames"]:
            await self.transmit(frame)


NACKS = {
    fleet.NameTaken: packets.Nack.DUPLICATE,
    DatabaseUnavailable: packets.Nack.DATABASE,
}


class VehicleConsumer(CarConsumer):
    """/ws/vehicles: registrations, positions, conditions."""

    group = CARS_ON_VEHICLES
    other_socket = frozenset([bytes([packets.CATCH]), bytes([packets.FAILED])])
    number = None  # of the vehicle that spoke last on this socket

    async def connect(self):
        await super().connect()
        for frame in self.tracker.dispatch.frames():
            self.send(frame)

    async def placements(self, event):
        for order in event["orders"]:
            await self.transmit(order["frame"])
            if order["vehicle_id"] == self.number:
                self.tracker.dispatch.sent(self.number)

    @staticmethod
    def speaker_of(report):
        return report.vehicle_id

    async def act(self, report):
        if report.vehicle_id != self.number:
            # Its orders, if any, went out when the socket opened, or since.
            self.number = report.vehicle_id
            self.tracker.dispatch.sent(self.number)
        if type(report) is packets.PositionReport:
            car = self.tracker.cars.get(report.vehicle_id)
            if car is None:
                car = await self.tracker.find(report.vehicle_id)
            if car is None:
                raise fleet.UnknownVehicle
            self.tracker.moved(car, report.x, report.y)
        elif type(report) is packets.StatusReport:
            car = await self.tracker.find(report.vehicle_id)
            if car is None or not car.is_police:
                raise fleet.UnknownVehicle
            await in_thread(
                fleet.set_condition,
                car.id,
                fuel=report.fuel,
                collision_count=report.collision_count,
                status=packets.LEVELS[report.level],
            )
        elif type(report) is packets.OrderReport:
            states = Roadblock.State
            state = states.FAILED if report.is_refusal else states.ACKNOWLEDGED
            if not self.tracker.dispatch.answered(
                report.vehicle_id, report.command, state
            ):
                raise packets.Refused(packets.Nack.DATA)
        else:
            kind = fleet.vehicle_type_of(report.vehicle_type)
            registration = await in_thread(
                fleet.register, report.vehicle_id, kind, report.car_name
            )
            vehicle = registration.vehicle
            # Known here at once: its next frame may be in the same packet.
            self.tracker.know(
                vehicle.pk, vehicle.vehicle_id, vehicle.is_police, vehicle.map_id
            )
            key = self.tracker.key_of(report.vehicle_id)
            self.send(packets.accepted(key, report.vehicle_id))


class EventConsumer(CarConsumer):
    """/ws/events: catches and failed catches."""

    group = CARS_ON_EVENTS
    other_socket = frozenset(
        bytes([kind])
        for kind in (
            packets.REGISTRATION,
            packets.POSITION_REPORT,
            packets.STATUS_REPORT,
            packets.CONFIRMED,
            packets.REFUSED_ORDER,
        )
    )

    @staticmethod
    def speaker_of(report):
        return report.runner_vehicle_id

    async def act(self, report):
        numbers = report.catcher_vehicle_id, report.runner_vehicle_id
        if report.kind == "failed":
            await in_thread(chases.fail, *numbers)
        elif not await in_thread(chases.catch, *numbers):
            # Caught before: the sender alone is told what it wants to hear.
            self.send(packets.caught(SHARED_KEY, *numbers))


class DashboardConsumer(Consumer):
    """A socket of dashboards: they listen, and may ask for a few things in JSON."""

    explains_refusal = True
    max_frame_bytes = 1 << 16
    group = None
    requests = {}  # type of a request -> function(user, request) that serves it

    async def connect(self):
        await self.join(self.group)

    async def receive(self, data):
        """Serve a JSON request; anything else a dashboard sends is passed over."""
        request = dashboards.request_in(data)
        serve = self.requests.get(request.get("type"))
        if serve is None:
            return
        await in_thread(serve, self.user, request)
        self.send(json.dumps({"type": "ack"}))

    async def frame(self, event):
        await self.transmit(event["frame"])


class FrontVehiclesConsumer(DashboardConsumer):
    """/ws/front/vehicles: the fleet as it is, then every change.

    A dashboard that reads too slowly gets the newest position of each car that moved
    meanwhile, not every step; all other frames reach it one by one.
    """

    group = DASHBOARD_VEHICLES
    requests = {"status_update": dashboards.update_status}

    async def connect(self):
        self.behind = {}  # map id -> {id: record}
        await super().connect()
        self.deliver({"type": "snapshot"})

    def deliver(self, event):
        if event["type"] == "vehicles.moved" and (self.busy or self.outgoing):
            records = self.behind.setdefault(event["map_id"], {})
            for id, record in packets.records_of(event["frame"]):
                records[id] = record
            return
        if event["type"] == "vehicle.removed":
            for records in self.behind.values():
                records.pop(event["id"], None)
        super().deliver(event)

    async def vehicles_moved(self, event):
        await self.transmit(event["frame"])

    async def vehicle_removed(self, event):
        await self.transmit(event["frame"])

    async def snapshot(self, event):
        for frame in await in_thread(dashboards.snapshot):
            await self.transmit(frame)

    async def caught_up(self):
        behind, self.behind = self.behind, {}
        for map_id, records in behind.items():
            if not records:
                continue
            joined = b"".join(records.values())
            await self.transmit(packets.positions(SHARED_KEY, map_id, joined))


class FrontEventsConsumer(DashboardConsumer):
    """/ws/front/events: what happens in chases, from now on."""

    group = DASHBOARD_EVENTS
    requests = {"event_ack": dashboards.acknowledge_event}
    follows_plans = False

    async def receive(self, data):
        """A dashboard that sends {"type": "follow_plans"} is told of plans, in JSON."""
        if dashboards.request_in(data).get("type") != "follow_plans":
            await super().receive(data)
            return
        if not self.follows_plans:
            self.follows_plans = True
            await self.join(PLANS)
        self.send(json.dumps({"type": "ack"}))

    async def plan_changed(self, event):
        await self.transmit(as_text(event))

    roadblock_changed = plan_changed


def as_text(event):
    """Return a fact of a group as JSON."""
    return json.dumps({name: event[name] for name in event if name != "group"})
