"""Somebody else's service, played on a real port of this machine."""

import contextlib
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    method: str
    path: str
    headers: dict
    body: bytes
    port: int  # of the client


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # a client that gave up is what some tests are about


class Service:
    """Answers as told by `answer`, and remembers what it was asked.

    `answer` holds `status` and `json`, `text` or `drip` (pieces, with the seconds
    between them), or is "hang up" or "silence". With `raw` (pieces and seconds again)
    it is all that goes over the line. `read_slowly` is true for a service that takes
    ages to take a body in.
    """

    def __init__(self):
        self.asked = []
        self.answer = {"status": 200, "json": {}}
        self.read_slowly = False
        self.may_end = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                length = int(self.headers.get("Content-Length", 0))
                while service.read_slowly and not service.may_end.wait(0.1):
                    length -= len(self.rfile.read(min(length, 1 << 16)))
                service.asked.append(
                    Asked(
                        self.command,
                        self.path,
                        dict(self.headers),
                        self.rfile.read(length),
                        self.client_address[1],
                    )
                )
                service.play(self)

            do_GET = do_POST = serve

            def log_message(self, *args):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=[0.01]).start()

    def play(self, handler):
        answer = self.answer
        if answer == "hang up":
            handler.close_connection = True
            return
        if answer == "silence":
            self.may_end.wait(10)
            handler.close_connection = True
            return
        if "raw" in answer:
            handler.close_connection = True
            self.drip(handler, *answer["raw"])
            return
        body = answer.get("text", "").encode()
        if "json" in answer:
            body = json.dumps(answer["json"]).encode()
        pieces, pause = answer.get("drip", ([body], 0))
        handler.send_response(answer["status"])
        handler.send_header("Content-Length", str(sum(map(len, pieces))))
        for name, value in answer.get("headers", {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        self.drip(handler, pieces, pause)

    def drip(self, handler, pieces, pause):
        with contextlib.suppress(OSError):
            for piece in pieces:
                handler.wfile.write(piece)
                if pause and self.may_end.wait(pause):
                    return

    def stop(self):
        self.may_end.set()
        self.server.shutdown()
        self.server.server_close()
