"""Clients of real servers: sign in, ask, and book without end."""

import threading
import time
from itertools import product

import httpx

BOOKING = "/charging/api/reservations"


def header(server, email, password):
    answer = httpx.post(
        f"{server.url}/workspace/auth/login",
        json={"email": email, "password": password},
        timeout=60,
    )
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert get(server, "/workspace/users/me", headers).status_code == 200
    return headers


def get(server, path, headers=None):
    return httpx.get(server.url + path, headers=headers, timeout=60)


def state(server):
    return get(server, "/health").json()


def wait_until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_away(server):
    return state(server)["status"] == "degraded"


def wishes(month):
    """Yield bodies of bookings that do not stand in each other's way."""
    days = [f"2031-{month:02}-{day:02}" for day in range(1, 29)]
    hours = range(10, 20)
    for number, (date, hour, bay) in enumerate(product(days, hours, range(1, 5))):
        yield {
            "sessionId": bay,
            "plate": f"12가{number:04}",
            "date": date,
            "startTime": f"{hour:02}:00",
            "endTime": f"{hour:02}:30",
        }


class Load:
    """Clients that book one bay after another, as fast as they are answered."""

    def __init__(self, servers, headers, clients=6, month=3):
        self.servers, self.headers = servers, headers
        self.wishes, self.lock = wishes(month), threading.Lock()
        self.answers = []  # (began, seconds, status, body)
        self.over = threading.Event()
        self.threads = [
            threading.Thread(target=self.run, args=(servers[n % len(servers)],))
            for n in range(clients)
        ]

    def run(self, server):
        with httpx.Client(headers=self.headers, timeout=60) as client:
            while not self.over.is_set():
                with self.lock:
                    wish = next(self.wishes)
                began = time.monotonic()
                answer = client.post(server.url + BOOKING, json=wish)
                seconds = time.monotonic() - began
                self.answers.append((began, seconds, answer))
                time.sleep(0.02)  # no more bookings than there are free hours

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *failure):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def acknowledged(self):
        return [
            answer.json() for *_, answer in self.answers if answer.status_code == 201
        ]


def stored(postgres):
    rows = postgres.query("SELECT id FROM charging_reservation")
    return {str(id) for (id,) in rows}
