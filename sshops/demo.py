"""The demo: two SSH servers on loopback, where sshd is installed.

They run as whoever runs the project and let nobody in but by the key that the project
made for them. Without sshd there are none, and the page says what to install.
"""

import logging

from django.conf import settings

from sshops.models import Server
from sshops.sshd import LocalServer, NoOpenSSH, free_port, program

log = logging.getLogger(__name__)

SERVERS = {
    "demo-one": "A demo server on this machine",
    "demo-two": "Another demo server on this machine",
}


def load(is_new):
    """Add the demo's servers to a new database."""
    if not is_new:
        return
    try:
        program()
    except NoOpenSSH as error:
        log.warning("No demo servers: %s", error)
        return
    for name, description in SERVERS.items():
        local = LocalServer(directory_of(name))
        Server.objects.create(
            name=name,
            host=local.host,
            port=local.port,
            username=local.username,
            private_key=local.private_key,
            host_key=local.host_key,
            description=description,
        )


def is_there():
    """Tell whether there are demo servers to run."""
    return any(local_servers())


def local_servers():
    """Yield (row, LocalServer) of each demo server that has its files here."""
    for row in Server.objects.filter(name__in=SERVERS, is_active=True):
        if (directory_of(row.name) / "host_key").exists():
            yield row, LocalServer(directory_of(row.name), row.port)


def start():
    """Start the demo's servers and return them; a taken port is given up for another.

    Raises OSError or NoOpenSSH when one cannot start.
    """
    started = []
    for row, local in local_servers():
        if local.greets():
            local.port = free_port()
            Server.objects.filter(pk=row.pk).update(port=local.port)
        local.start()
        started.append(local)
    return started


def directory_of(name):
    return settings.DATA_DIR / "demo-servers" / name
