"""Everything that script/server does once the packages are there."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from charging import demo as charging_demo
from config import embedded
from diagnosis import demo as diagnosis_demo
from roadblock import demo as roadblock_demo
from sshops import demo as sshops_demo
from workspace import demo as workspace_demo
from workspace.explorer import demo as explorer_demo
from workspace.people import ensure_superuser

ANSWER_SECONDS = 60
WEB_PROCESSES = min(2, os.cpu_count() or 1)


class Command(BaseCommand):
    help = "Prepare database and static files, then run web server, worker and beat."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument(
            "--port", type=int, default=int(os.environ.get("PORT") or 8000)
        )

    def handle(self, *, host, port, **options):
        self.host, self.port = host, port
        self.refuse_a_taken_port()
        is_new = self.prepare()
        demo = os.environ.get("DEMO", "1") != "0" and self.load_demo(is_new)
        connections.close_all()
        status = self.supervise(demo)
        self.stdout.write("Stopping the embedded servers ...")
        embedded.release()
        sys.exit(status)

    def refuse_a_taken_port(self):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise CommandError(
                    f"Port {self.port} on {self.host} cannot be used"
                    f" ({error.strerror}); set PORT to a free one."
                ) from error

    def prepare(self):
        """Migrate, collect static files, see to the superuser; tell if all was new."""
        recorder = MigrationRecorder(connections["default"])
        is_new = not recorder.applied_migrations()
        if is_new:
            self.stdout.write("Making the database ...")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        made_up = ensure_superuser(
            os.environ.get("DJANGO_SUPERUSER_EMAIL", ""),
            os.environ.get("DJANGO_SUPERUSER_PASSWORD", ""),
        )
        if made_up:
            email, password = made_up
            self.stdout.write(
                "\nYour account, shown this once:\n"
                f"    e-mail    {email}\n    password  {password}\n"
            )
        return is_new

    def load_demo(self, is_new):
        """Fill a new database with examples; tell whether the demo's cars drive."""
        charging_demo.load(is_new)
        diagnosis_demo.load(is_new)
        sshops_demo.load(is_new)
        workspace_demo.load(is_new)
        explorer_demo.load(is_new)
        return roadblock_demo.load(is_new)

    def supervise(self, demo):
        """Run the processes of deploy/supervisord.conf until a signal or their end."""
        dies_with_parent = ["setpriv", "--pdeathsig", "TERM"]
        if shutil.which("setpriv") is None:
            dies_with_parent = []
        environ = {
            **os.environ,
            "DATA_DIR": str(settings.DATA_DIR),
            "PROJECT_DIR": str(settings.BASE_DIR),
            "BIN": str(Path(sys.executable).parent),
            "RUN_USER": pwd.getpwuid(os.geteuid()).pw_name,
            "WITH_PARENT": " ".join(dies_with_parent),
            "HOST": self.host,
            "PORT": str(self.port),
            "WEB_PROCESSES": os.environ.get("WEB_PROCESSES") or str(WEB_PROCESSES),
            "WORKER_PROCESSES": os.environ.get("WORKER_PROCESSES") or "2",
            "WEB_POOL": str(settings.DATABASE_POOL_SIZE or settings.HTTP_THREADS + 8),
            "RUN_DEMO": "true" if demo else "false",
            "RUN_DEMO_SERVERS": "true" if sshops_demo.is_there() else "false",
            "PYTHONUNBUFFERED": "1",
        }
        configuration = settings.BASE_DIR / "deploy" / "supervisord.conf"
        supervisor = subprocess.Popen(
            [
                *dies_with_parent,
                *(sys.executable, "-m", "supervisor.supervisord"),
                *("--configuration", str(configuration)),
            ],
            env=environ,
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            # A pipe, whatever our own output is: the programs reopen it by name.
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        asked_to_stop = threading.Event()

        def stop(number, frame):
            asked_to_stop.set()
            supervisor.terminate()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGHUP, stop)
        threading.Thread(target=self.announce, args=[supervisor], daemon=True).start()
        for line in supervisor.stdout:
            self.stdout.write(line.decode(errors="replace"), ending="")
            self.stdout.flush()
        status = supervisor.wait()
        return 0 if asked_to_stop.is_set() else status or 1

    def announce(self, supervisor):
        """Print the URLs as soon as the web server answers."""
        address = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        base = f"http://{address}:{self.port}"
        deadline = time.monotonic() + ANSWER_SECONDS
        while supervisor.poll() is None:
            try:
                urllib.request.urlopen(f"{base}/health", timeout=2).close()
            except urllib.error.HTTPError:
                break  # an answer, if only "come by https"
            except OSError:
                if time.monotonic() > deadline:
                    self.stderr.write("The web server does not answer yet.")
                    return
                time.sleep(0.1)
            else:
                break
        else:
            return
        self.stdout.write(
            f"\nMadang is ready:\n"
            f"    home      {base}/\n"
            f"    live map  {base}/roadblock/\n"
            f"    admin     {base}/admin/\n"
            f"    API       {base}/docs\n\n"
            "Ctrl-C stops it.\n"
        )
        self.stdout.flush()
