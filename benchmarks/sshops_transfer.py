"""Copy a file from server to server: our transfer against `scp -3` and against a floor.

Starts two OpenSSH servers on loopback. In turns: our worker's transfer with everything
it does (SHA-256 at both ends, temporary name, mode and time, progress in the database),
`scp -3` through this machine, and the floor, `ssh cat | ssh 'cat >'`. The best of the
turns counts; the copies are compared, and removed before the next. Fails below
`scp -3`.
"""

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import server

sys.path.insert(0, str(server.PROJECT))

from sshops.sshd import LocalServer

FILL = """
from sshops.models import Server, Transfer
rows = [
    Server.objects.create(name=name, host="127.0.0.1", port=port, username={user!r},
                          host_key=host_key, private_key=key)
    for name, port, host_key, key in {servers!r}]
Transfer.objects.create(name="bench", source_server=rows[0], source_path={source!r},
    target_server=rows[1], target_path={target!r})
"""
RUN = """
import time
from sshops import transfer_runs
from sshops.models import Transfer, TransferRun
transfer = Transfer.objects.get()
ends = ("source_server", "source_path", "target_server", "target_path")
run = TransferRun.objects.create(
    transfer=transfer,
    transfer_name=transfer.name,
    **{end: getattr(transfer, end) for end in ends},
)
begun = time.monotonic()
transfer_runs.run(run.pk)
run.refresh_from_db()
assert run.state == "complete", run.error
print(time.monotonic() - begun)
"""


def client_configuration(path, servers):
    """Write what ssh and scp need to reach the servers as `one` and `two`."""
    lines = []
    for name, sshd in servers.items():
        lines += [
            f"Host {name}",
            f"HostName {sshd.host}",
            f"Port {sshd.port}",
            f"User {sshd.username}",
            f"IdentityFile {sshd.directory}/client_key",
            "StrictHostKeyChecking no",
            "UserKnownHostsFile /dev/null",
            "LogLevel ERROR",
        ]
    path.write_text("\n".join(lines) + "\n")


def timed(command, shell=False):
    begun = time.monotonic()
    subprocess.run(command, check=True, shell=shell)
    return time.monotonic() - begun


def main(megabytes, turns):
    with tempfile.TemporaryDirectory(prefix="madang-bench-") as folder:
        folder = Path(folder)
        source, target = folder / "source", folder / "target"
        with source.open("wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(1_000_000))
        servers = {name: LocalServer(folder / name) for name in ("one", "two")}
        try:
            for sshd in servers.values():
                sshd.start()
            with server.running() as running:
                server.wait_until_quiet()
                measure(running.environ, folder, servers, source, target, turns)
        finally:
            for sshd in servers.values():
                sshd.stop()


def measure(environ, folder, servers, source, target, turns):
    configuration = folder / "ssh_config"
    client_configuration(configuration, servers)
    rows = [(n, s.port, s.host_key, s.private_key) for n, s in servers.items()]
    user = servers["one"].username
    server.in_django(
        environ,
        FILL.format(servers=rows, user=user, source=str(source), target=str(target)),
    )
    scp = ["scp", "-3", "-q", "-F", configuration, f"one:{source}", f"two:{target}"]
    ssh = f"ssh -F {configuration}"
    cat = f"{ssh} one 'cat {source}' | {ssh} two 'cat > {target}'"
    ways = {
        "ours": lambda: float(server.in_django(environ, RUN)),
        "scp -3": lambda: timed(scp),
        "ssh cat | ssh cat": lambda: timed(cat, shell=True),
    }
    seconds = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            seconds[name].append(way())
            assert filecmp.cmp(source, target, shallow=False)
            target.unlink()
    size = source.stat().st_size / 1e6
    for name, taken in seconds.items():
        print(f"{name:20} {size / min(taken):7.0f} MB/s")
    ratio = min(seconds["scp -3"]) / min(seconds["ours"])
    print(f"ratio to scp -3      {ratio:7.2f}")
    sys.exit(ratio < 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    main(arguments.megabytes, arguments.turns)
