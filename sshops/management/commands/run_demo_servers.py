import signal
import threading

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from sshops import demo
from sshops.sshd import NoOpenSSH


class Command(BaseCommand):
    help = "Run the demo's SSH servers on loopback, until a signal."

    def handle(self, **options):
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        try:
            servers = demo.start()
        except (OSError, NoOpenSSH) as error:
            raise CommandError(f"A demo server did not start: {error}") from error
        connection.close()
        stopping.wait()
        for server in servers:
            server.stop()
