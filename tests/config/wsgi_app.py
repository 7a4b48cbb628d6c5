"""A WSGI application that shows what the bridge does, served by test_bridge."""

import json
import tempfile
import threading
import time
from hashlib import sha256
from urllib.parse import parse_qs

from config.bridge import WSGIBridge

THREADS = STREAM_THREADS = 4
FILE_BYTES = 64 << 20

FILE = tempfile.TemporaryFile()  # noqa: SIM115
FILE.truncate(FILE_BYTES)
now = {"waiting": 0, "reading": 0, "producing": 0, "pieces": 0, "closed": 0}
lock = threading.Lock()


def count(name, step):
    with lock:
        now[name] += step


def application(environ, start_response):
    answer = ANSWERS.get(environ["PATH_INFO"], echo)
    return answer(environ, start_response)


def as_json(start_response, value, headers=()):
    start_response("200 OK", [("Content-Type", "application/json"), *headers])
    return [json.dumps(value).encode()]


def echo(environ, start_response):
    """Answer with what the application was told."""
    body = environ["wsgi.input"].read()
    told = {name: value for name, value in environ.items() if isinstance(value, str)}
    return as_json(start_response, {**told, "body": body.decode("latin-1")})


def digest_in_pieces(environ, start_response):
    digest, length = sha256(), 0
    count("reading", 1)
    try:
        while piece := environ["wsgi.input"].read(1 << 16):
            digest.update(piece)
            length += len(piece)
    finally:
        count("reading", -1)
    return as_json(start_response, [length, digest.hexdigest()])


def digest_in_one(environ, start_response):
    """Read as Django's request.body does: once, by the length told."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return as_json(start_response, [len(body), sha256(body).hexdigest()])


def file(environ, start_response):
    start_response("200 OK", [("Content-Length", str(FILE_BYTES))])
    body = open(f"/proc/self/fd/{FILE.fileno()}", "rb")  # noqa: SIM115
    return environ["wsgi.file_wrapper"](body)


class Flow:
    """A generated body; its `close` must come, and from the thread that produced it."""

    def __init__(self, pieces, size, wait):
        self.left, self.piece, self.wait = pieces, b"x" * size, wait
        self.threads = set()
        count("producing", 1)

    def __iter__(self):
        return self

    def __next__(self):
        self.threads.add(threading.get_ident())
        if self.left == 0:
            raise StopIteration
        self.left -= 1
        count("pieces", 1)
        time.sleep(self.wait)
        return self.piece

    def close(self):
        self.threads.add(threading.get_ident())
        count("producing", -1)
        if len(self.threads) == 1:
            count("closed", 1)


def flow(environ, start_response):
    query = {k: v[0] for k, v in parse_qs(environ["QUERY_STRING"]).items()}
    start_response("200 OK", [])
    return Flow(int(query["pieces"]), int(query["size"]), float(query.get("wait", 0)))


def cookies(environ, start_response):
    headers = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/")]
    return as_json(start_response, None, headers)


def wait(environ, start_response):
    count("waiting", 1)
    time.sleep(0.6)
    count("waiting", -1)
    return as_json(start_response, None)


def broken(environ, start_response):
    raise ValueError("broken on purpose")


def broken_half_way(environ, start_response):
    start_response("200 OK", [])

    def body():
        yield b"the first half"
        raise ValueError("broken on purpose")

    return body()


ANSWERS = {
    "/now": lambda environ, start_response: as_json(start_response, now),
    "/pieces": digest_in_pieces,
    "/one": digest_in_one,
    "/file": file,
    "/flow": flow,
    "/cookies": cookies,
    "/wait": wait,
    "/broken": broken,
    "/broken-half-way": broken_half_way,
}

bridge = WSGIBridge(
    application, THREADS, STREAM_THREADS, waits=lambda path: path == "/wait"
)
