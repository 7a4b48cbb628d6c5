"""The orders on their way, in the memory of a server process: who has got which.

Looked at for every position, so it is a dict. What it finds out is stored by a task of
its own, in bulk.
"""

import asyncio
import logging

from config.realtime import in_thread
from roadblock import orders
from roadblock.models import Roadblock
from roadblock.tracks import ARRIVED

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0

State = Roadblock.State


class Dispatch:
    """What this process knows of orders in force: {vehicle number: order}."""

    def __init__(self):
        self.by_vehicle = {}
        self.by_chase = {}  # chase id -> vehicle numbers
        self.news = {}  # roadblock id -> State, to be stored
        self.told = asyncio.Event()
        self.storing = asyncio.Lock()  # whoever holds it knows that no store() is on

    def replace(self, chase, orders_of_chase):
        """Take in all orders of a chase; those before are void."""
        for number in self.by_chase.pop(chase, ()):
            self.by_vehicle.pop(number, None)
        if orders_of_chase:
            self.by_chase[chase] = [order["vehicle_id"] for order in orders_of_chase]
            self.by_vehicle |= {order["vehicle_id"]: order for order in orders_of_chase}

    def forget(self):
        """Know of no orders any more, and of no news."""
        for known in (self.by_vehicle, self.by_chase, self.news):
            known.clear()

    def frames(self):
        """Return the orders on their way: for a socket whose car is not known yet."""
        return [
            order["frame"]
            for order in self.by_vehicle.values()
            if order["state"] != State.ACKNOWLEDGED
        ]

    def sent(self, number):
        """Note that a socket of this vehicle has its order."""
        order = self.by_vehicle.get(number)
        if order is not None and order["state"] == State.QUEUED:
            order["state"] = State.SENT
            self._note(order, State.SENT)

    def moved(self, number, x, y):
        """Note where a vehicle with an order is."""
        order = self.by_vehicle[number]
        if order["state"] == State.ACKNOWLEDGED:
            return
        if (x - order["x"]) ** 2 + (y - order["y"]) ** 2 <= ARRIVED**2:
            self.answered(number, order["command"], State.ACKNOWLEDGED)

    def answered(self, number, command, state):
        """Note that a vehicle confirms or refuses; tell whether this is its order."""
        order = self.by_vehicle.get(number)
        if order is None or order["command"] != command:
            return False
        if order["state"] != state:
            order["state"] = state
            self._note(order, state)
        return True

    def _note(self, order, state):
        self.news[order["id"]] = state
        self.told.set()

    async def store_for_ever(self):
        while True:
            await self.told.wait()
            await self.store()

    async def store(self):
        """Store the news; on failure they wait, and a pause follows."""
        self.told.clear()
        async with self.storing:
            news, self.news = self.news, {}
            try:
                await in_thread(orders.advance, news)
            except Exception as error:
                log.error("What became of orders is not stored yet: %s", error)
                self.news = news | self.news
            else:
                return
        await asyncio.sleep(RETRY_SECONDS)
        self.told.set()
