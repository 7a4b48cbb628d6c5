"""Orders to police cars: the 0x15 frame of a roadblock, and how far it has come.

queued until a socket of the car has got it, then sent; acknowledged once the car is
there or confirms it (0x16); failed when it refuses (0x17), falls silent or is wrecked;
expired when its plan is replaced or its chase ends.
"""

from django.db import transaction
from django.utils import timezone

from config.realtime import publish
from roadblock import packets
from roadblock.models import Roadblock, VehicleKey
from roadblock.wire import CARS_ON_VEHICLES, PLANS, SHARED_KEY, TRACKERS

State = Roadblock.State


def sign(roadblocks, runner):
    """Give roadblocks, not stored yet, the command numbers of their frames."""
    keys = _keys(roadblocks)
    for one in roadblocks:
        frame = _frame(one, runner, keys)
        one.command = packets.command_of(frame)


def issue(chase):
    """Send the vehicles of a chase their new orders; in the transaction of these."""
    new = [order for order in _tell(chase) if order["state"] == State.QUEUED]
    if new:
        publish(CARS_ON_VEHICLES, "placements", orders=new)


def _tell(chase):
    """Tell all server processes the orders in force in a chase; return them."""
    orders = in_force(plan__chase=chase)
    publish(TRACKERS, "orders.changed", chase=chase.pk, orders=orders)
    return orders


def in_force(**which):
    """Return orders of these field values as server processes hold them.

    Plain values, with the frame that goes to the vehicle.
    """
    roadblocks = list(
        Roadblock.objects.in_force()
        .filter(**which)
        .select_related("unit", "plan__chase__runner")
    )
    keys = _keys(roadblocks)
    return [
        {
            "id": one.pk,
            "chase": one.plan.chase_id,
            "vehicle_id": one.unit.vehicle_id,
            "command": one.command,
            "x": one.x,
            "y": one.y,
            "state": str(one.state),
            "frame": _frame(one, one.plan.chase.runner, keys),
        }
        for one in roadblocks
    ]


def advance(states):
    """Note what became of orders, {roadblock id: State}; late news changes nothing."""
    for state in (State.SENT, State.ACKNOWLEDGED, State.FAILED):
        ids = [pk for pk, new in states.items() if new == state]
        if not ids:
            continue
        earlier = [State.QUEUED] if state == State.SENT else [State.QUEUED, State.SENT]
        if state == State.FAILED:
            earlier.append(State.ACKNOWLEDGED)  # it was there, and cannot stay
        _change(Roadblock.objects.filter(pk__in=ids, state__in=earlier), state)


def expire(**which):
    """End the orders of these field values that have not ended yet."""
    alive = [State.QUEUED, State.SENT, State.ACKNOWLEDGED]
    _change(Roadblock.objects.filter(state__in=alive, **which), State.EXPIRED)


@transaction.atomic
def _change(roadblocks, state):
    changed = list(
        roadblocks.select_related("plan__chase").select_for_update(of=["self"])
    )
    now = timezone.now()
    Roadblock.objects.filter(pk__in=[one.pk for one in changed]).update(
        state=state, changed_at=now
    )
    for one in changed:
        publish(
            PLANS,
            "roadblock.changed",
            id=one.pk,
            plan_id=one.plan_id,
            chase_id=one.plan.chase_id,
            unit_id=one.unit_id,
            state=str(state),
        )
    if state != State.SENT:
        for chase in {one.plan.chase for one in changed}:
            _tell(chase)


def _keys(roadblocks):
    numbers = [one.unit.vehicle_id for one in roadblocks]
    own = VehicleKey.objects.filter(pk__in=numbers)
    return {key.pk: key.secret.encode() for key in own if key.secret is not None}


def _frame(one, runner, keys):
    key = keys.get(one.unit.vehicle_id, SHARED_KEY)
    ids = one.unit.vehicle_id, runner.vehicle_id
    return packets.placement(key, *ids, one.x, one.y, one.heading)
