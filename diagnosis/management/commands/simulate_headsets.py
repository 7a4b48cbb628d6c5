"""Connect simulated headsets to a running server; they run the tests they are given."""

import asyncio
import os
import signal
from contextlib import suppress
from urllib.parse import urlsplit

from django.core.management import BaseCommand, CommandError

from diagnosis import headsets, presence, simulator
from diagnosis.models import Patient


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        port = os.environ.get("PORT") or 8000
        parser.add_argument("--count", type=int, default=1, help="how many headsets")
        parser.add_argument(
            "--url",
            default=f"ws://127.0.0.1:{port}/diagnosis",
            help="where the server has diagnosis, like ws://HOST:PORT/diagnosis",
        )
        parser.add_argument(
            "--token",
            action="append",
            default=[],
            metavar="CODE=TOKEN",
            help="a patient's code and headset token; without any, tokens are made in "
            "the database for patients who have no headset, and revoked at the end",
        )
        parser.add_argument(
            "--test-seconds", type=float, default=10, help="how long a test takes"
        )
        parser.add_argument(
            "--failing", type=float, default=0, help="share of tests that break off"
        )
        parser.add_argument(
            "--dropping",
            type=float,
            default=0,
            help="share of uploads that lose a line",
        )
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--seconds", type=float, help="run so long; else until ^C")

    def handle(self, *, count, url, token, seconds, **options):
        address = urlsplit(url)
        if address.scheme not in ("ws", "wss") or address.path in ("", "/"):
            raise CommandError("--url must look like ws://HOST:PORT/diagnosis.")
        if not options["test_seconds"] > 0:
            raise CommandError("--test-seconds must be above 0.")
        if not all(0 <= options[name] <= 1 for name in ("failing", "dropping")):
            raise CommandError("--failing and --dropping go from 0 to 1.")
        manners = simulator.Manners(
            seconds=options["test_seconds"],
            failing=options["failing"],
            dropping=options["dropping"],
            seed=options["seed"],
        )
        given = [tuple(pair.split("=", 1)) for pair in token]
        if any(len(pair) != 2 for pair in given):
            raise CommandError("--token must look like 001-000=headset_….")
        made = [] if given else self.made(count)
        pairs = given or [(row.patient.code, text) for row, text in made]
        codes = ", ".join(code for code, _text in pairs)
        self.stdout.write(f"Headsets of {codes}")
        try:
            asyncio.run(
                self.simulate(
                    url.rstrip("/"),
                    pairs,
                    manners=manners,
                    seconds=seconds,
                )
            )
        finally:
            for row, _text in made:
                headsets.revoke(row)

    def made(self, count):
        """Return new tokens, rows and texts, of patients without a headset."""
        if count < 1:
            raise CommandError("--count must be at least 1.")
        patients = list(Patient.objects.present())
        there = set(presence.connected(patient.pk for patient in patients))
        free = [patient for patient in patients if patient.pk not in there]
        if len(free) < count:
            raise CommandError(
                f"{count} headsets need as many patients without one; "
                f"there are {len(free)}."
            )
        return [headsets.issue(patient, "simulated") for patient in free[:count]]

    async def simulate(self, url, pairs, **options):
        task = asyncio.current_task()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await simulator.run(url, pairs, report=self.report, **options)

    def report(self, text):
        self.stdout.write(text)
        self.stdout.flush()
