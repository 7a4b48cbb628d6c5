"""Book, read and race for charging bays, against the replaced system's figures.

Starts the server; guests book distinct half hours one after the other and sixteen at
once, read days with 1,000 and 20,000 reservations stored, and 64 of them race for the
same bay and with the same plate. The database then says whether anything overlaps.
Rates are the best of several turns; every race is shown.
"""

import argparse
import asyncio
import json
import os
import random
import time
from datetime import date, timedelta

import server
import uvloop
from http_client import Client

# The replaced system on two cores: creations and reads a second.
PEER_CREATIONS = {1: 195, 16: 210}
PEER_READS = {1_000: 430, 20_000: 300}
RATES = {f"CHARGING_GUEST_{name}_RATE": "100000000/min" for name in ("CREATE", "READ")}
DAY = date(2031, 1, 1)
BAYS = 4
HALF_HOURS = 26  # 9:00 to 22:00

FILL = """
from datetime import date, timedelta
from charging import booking
for n in range({first}, {last}):
    place = n % 20  # twenty a day: five in each of four bays
    booking.reserve(
        bay=1 + place // 5, driver=booking.Driver(f"{{n:06}}가"),
        date=date(2035, 1, 1) + timedelta(n // 20),
        start=540 + place % 5 * 120, end=600 + place % 5 * 120)
"""
FACTS = """
import json
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute('''
      SELECT count(*) FROM charging_reservation a JOIN charging_reservation b
      ON a.id < b.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
        AND (a.session_id = b.session_id OR a.plate_normalized = b.plate_normalized)
      WHERE a.status = 'CONFIRMED' AND b.status = 'CONFIRMED' ''')
    overlaps = cursor.fetchone()[0]
    cursor.execute('''
      SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()''')
    print(json.dumps([overlaps, cursor.fetchone()[0]]))
"""


def clock(half_hour):
    minute = 540 + 30 * half_hour
    return f"{minute // 60:02}:{minute % 60:02}"


def body(number):
    """Return the creation of half an hour that no other number has."""
    days, rest = divmod(number, BAYS * HALF_HOURS)
    bay, half_hour = divmod(rest, HALF_HOURS)
    return {
        "sessionId": bay + 1,
        "plate": f"{number:06}나",
        "date": str(DAY + timedelta(days)),
        "startTime": clock(half_hour),
        "endTime": clock(half_hour + 1),
        "contactEmail": "kim@example.com",
    }


async def creations(port, count, at_once, first):
    numbers = iter(range(first, first + count))

    async def guest():
        async with Client(port) as client:
            for number in numbers:
                status, answer = await client.post(
                    "/charging/api/reservations", body(number)
                )
                assert status == 201, answer

    return await rate(count, at_once, guest)


async def reads(port, count, at_once, days):
    turns = iter(range(count))

    async def guest():
        async with Client(port) as client:
            for turn in turns:
                day = date(2035, 1, 1) + timedelta(turn % days)
                status, answer = await client.get(
                    f"/charging/api/reservations/by-session?date={day}"
                )
                assert status == 200, answer
                assert answer.count(b'"id"') == 20

    return await rate(count, at_once, guest)


async def rate(count, at_once, guest):
    begin = time.perf_counter()
    await asyncio.gather(*(guest() for _ in range(at_once)))
    return count / (time.perf_counter() - begin)


async def race(port, clients, tries, year):
    """Book at random out of few bays, plates and times; return statuses and waits."""
    statuses, waits = [], []
    turns = iter(range(tries))
    chance = random.Random(1)

    async def guest():
        async with Client(port) as client:
            for turn in turns:
                length = chance.choice([1, 2, 3])
                start = chance.randrange(HALF_HOURS - length)
                same_bay = turn % 2
                wish = {
                    "sessionId": 1 if same_bay else 1 + turn // 2 % BAYS,
                    "plate": f"{turn:06}다" if same_bay else "12가3456",
                    "date": str(date(2040 + year, 1, 1) + timedelta(turn // 200)),
                    "startTime": clock(start),
                    "endTime": clock(start + length),
                }
                begin = time.perf_counter()
                status, _answer = await client.post("/charging/api/reservations", wish)
                waits.append(time.perf_counter() - begin)
                statuses.append(status)

    await asyncio.gather(*(guest() for _ in range(clients)))
    return statuses, sorted(waits)


def run_race(port, turn):
    statuses, waits = uvloop.run(race(port, 64, 2_000, turn))
    broken = sum(status >= 500 for status in statuses)
    print(
        f"race of 64 clients, 2,000 tries: {statuses.count(201)} booked,"
        f" {statuses.count(409)} refused, {broken} answers of 5xx;"
        f" p50 {waits[1000] * 1000:.0f} ms, p95 {waits[1900] * 1000:.0f} ms,"
        f" max {waits[-1] * 1000:.0f} ms",
        flush=True,
    )


def report(what, figure, peer):
    print(f"{what}: {figure:,.0f}/s ({figure / peer:.1f} times {peer}/s)", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--web-processes", default="2")
    parser.add_argument("--creations", type=int, default=500)
    parser.add_argument("--reads", type=int, default=3_000)
    parser.add_argument("--turns", type=int, default=20)
    options = parser.parse_args()
    with server.running(WEB_PROCESSES=options.web_processes, **RATES) as running:
        port = running.port
        server.wait_until_quiet()
        uvloop.run(creations(port, 100, 16, 0))  # warms up
        first = 100
        for at_once, peer in PEER_CREATIONS.items():
            figures = []
            for _turn in range(options.turns):
                figures.append(
                    uvloop.run(creations(port, options.creations, at_once, first))
                )
                first += options.creations
            report(f"creations, {at_once} at once", max(figures), peer)
        stored = 0
        for count, peer in PEER_READS.items():
            server.in_django(running.environ, FILL.format(first=stored, last=count))
            stored = count
            for at_once in (1, 16):
                figures = [
                    uvloop.run(reads(port, options.reads, at_once, 14))
                    for _turn in range(options.turns)
                ]
                report(
                    f"reads of a day, {count} stored, {at_once} at once",
                    max(figures),
                    peer,
                )
        for turn in range(options.turns):
            run_race(port, turn)
        overlaps, deadlocks = json.loads(server.in_django(running.environ, FACTS))
        print(f"overlaps {overlaps}, deadlocks {deadlocks}")
        print(f"load of the machine: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
