"""Restore a backup set, after a look at it and a question."""

import sys

import psycopg
from django.core.management import BaseCommand, CommandError
from django.db import OperationalError

from workspace.backups import dumps, restoring, sets
from workspace.progress import Line


class Command(BaseCommand):
    help = (
        "Replace the database and the uploaded files by those of a backup: the newest, "
        "or the one named. A backup of the present state is made first, and all or "
        "nothing is replaced. Everybody else is kept out meanwhile."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", nargs="?", help="the dump's name (the newest)")
        parser.add_argument(
            "--dry-run", action="store_true", help="look only, change nothing"
        )
        parser.add_argument(
            "--noinput", action="store_true", help="do not ask for the database's name"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="although files are flawed, or the dump is of another PostgreSQL or "
            "of newer code",
        )

    def handle(self, *, file, dry_run, noinput, force, **options):
        try:
            one = sets.find(file) if file else sets.newest()
            chosen = restoring.plan(one)
            self.show(chosen)
            if dry_run:
                self.stdout.write("Nothing was changed (--dry-run).")
                return
            if not noinput:
                self.ask()
            self.restore(chosen, force)
        except (sets.BackupError, dumps.DumpFailed) as error:
            raise CommandError(str(error)) from error
        except (OSError, OperationalError, psycopg.Error) as error:
            raise CommandError(f"The restore failed: {error}") from error

    def show(self, chosen):
        one, target = chosen.one, dumps.parameters()
        size = one.dump.stat().st_size
        made = one.manifest.get("finished_at") or one.moment or "at an unknown moment"
        uploads = one.manifest.get("uploads", {}).get("count", 0)
        password = " password=********" if "password" in target else ""
        where = " ".join(
            f"{key}={value}" for key, value in target.items() if key != "password"
        )
        verdict = chosen.flaw or "as it was made"
        self.stdout.write(
            f"backup      {one.dump}\n"
            f"made        {made}\n"
            f"size        {size:,} bytes, {uploads} uploaded files\n"
            f"checksum    {verdict}\n"
            f"dumped from PostgreSQL {chosen.contents.server_version}\n"
            f"database    {where}{password}\n"
            f"command     pg_restore --clean --if-exists {' '.join(dumps.PLAIN)} "
            f"{one.file} | psql (one transaction)\n"
            f"migrations that the dump lacks, applied after: {said(chosen.older)}\n"
            f"migrations that this code lacks: {said(chosen.newer)}"
        )

    def ask(self):
        name = dumps.parameters()["dbname"]
        if not sys.stdin.isatty():
            raise CommandError("There is nobody to ask here; --noinput does not ask.")
        answer = input(
            f"Everything in it is replaced. Type its name, {name}, to go on: "
        )
        if answer.strip() != name:
            raise CommandError("That is not its name; nothing was changed.")

    def restore(self, chosen, force):
        progress = Line(self.stdout)
        try:
            given = restoring.restore(chosen, force=force, progress=progress)
        finally:
            progress.end()
        self.stdout.write(
            f"Restored {chosen.one.name}; {given['uploads']} uploaded files put back.\n"
            f"The state before is the backup {given['before']}."
        )
        for key in given["missing"]:
            self.stdout.write(f"The bytes of {key} are missing.")


def said(migrations):
    return ", ".join(migrations) or "none"
