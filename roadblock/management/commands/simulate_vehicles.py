"""Drive simulated police cars and runners against a running server."""

import asyncio
import os
import resource
import signal
from urllib.parse import urlsplit

import uvloop
from django.conf import settings
from django.core.management import BaseCommand, CommandError

from roadblock import maps
from roadblock.courses import Course
from roadblock.driving import EVADE, RUNNER_MODELS, Fleet
from roadblock.packets import NAME_BYTES
from roadblock.simulator import Simulator

GREATEST_ID = 2**32 - 1


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []  # a client: it needs neither database nor broker

    def add_arguments(self, parser):
        port = os.environ.get("PORT") or 8000
        parser.add_argument("--police", type=int, default=5)
        parser.add_argument("--runners", type=int, default=2)
        parser.add_argument("--hz", type=float, default=10, help="positions a second")
        parser.add_argument("--seconds", type=float, default=60)
        parser.add_argument(
            "--forever", action="store_true", help="run until stopped, not --seconds"
        )
        parser.add_argument(
            "--url",
            default=f"ws://127.0.0.1:{port}/roadblock",
            help="where the server has roadblock, like ws://HOST:PORT/roadblock",
        )
        parser.add_argument("--map", type=int, default=100, help="its id in GET /maps")
        parser.add_argument("--first-id", type=int, default=9001)
        parser.add_argument(
            "--prefix", default="DEMO", help="what all names begin with"
        )
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--runner-model",
            choices=RUNNER_MODELS,
            default=EVADE,
            help="how chased runners choose their way",
        )

    def handle(self, *, police, runners, hz, seconds, forever, url, **options):
        last_id = options["first_id"] + police + runners - 1
        if min(police, runners) < 0 or not police + runners:
            raise CommandError("There must be at least one car.")
        if not hz > 0 or not seconds > 0:
            raise CommandError("--hz and --seconds must be above 0.")
        if options["first_id"] < 0 or last_id > GREATEST_ID:
            raise CommandError(f"Vehicle ids go from 0 to {GREATEST_ID}.")
        address = urlsplit(url)
        if address.scheme not in ("ws", "wss") or address.path in ("", "/"):
            raise CommandError("--url must look like ws://HOST:PORT/roadblock.")
        course = self.load_course(options["map"])
        simulator = Simulator(
            Fleet(
                course,
                police=police,
                runners=runners,
                seed=options["seed"],
                runner_model=options["runner_model"],
            ),
            url=url,
            key=settings.HMAC_SECRET_KEY.encode(),
            hz=hz,
            first_id=options["first_id"],
            prefix=options["prefix"],
            report=self.report,
        )
        for car in range(police + runners):
            if len(simulator.name(car).encode()) > NAME_BYTES:
                raise CommandError(
                    f'"{simulator.name(car)}" is longer than {NAME_BYTES} bytes; '
                    "choose a shorter --prefix."
                )
        allow_sockets(police + runners)
        uvloop.run(run(simulator, None if forever else seconds))

    def load_course(self, map_id):
        found = {each.id: each for each in maps.installed(settings.ROADBLOCK_MAPS_DIR)}
        if map_id not in found:
            known = ", ".join(f"{each.id} {each.name}" for each in found.values())
            raise CommandError(
                f"Map {map_id} is not installed; these are: {known or 'none'}."
            )
        try:
            return Course(maps.load(found[map_id].folder))
        except ValueError as error:
            raise CommandError(str(error)) from error

    def report(self, text):
        self.stdout.write(text)
        self.stdout.flush()


async def run(simulator, seconds):
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, simulator.stop)
    await simulator.run(seconds)


def allow_sockets(count):
    """Raise the process' limit of open files so that each car can have its socket."""
    needed = count + 100  # the others are for everything else that is a file
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY:
            needed = min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
