import asyncio
import signal

import uvloop
from django.core.management.base import BaseCommand, CommandError

from sshops.shell_host import Host


class Command(BaseCommand):
    help = "Host the SSH terminals that web processes show; ends them when it ends."

    def handle(self, **options):
        try:
            uvloop.run(run())
        except OSError as error:
            raise CommandError(str(error)) from error


async def run():
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    host = Host()
    await host.start()
    await stopping.wait()
    await host.stop()
