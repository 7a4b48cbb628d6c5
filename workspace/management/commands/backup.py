"""Make a backup set: database and uploaded files."""

from django.core.management import BaseCommand, CommandError
from django.db import OperationalError

from workspace.backups import dumps, making, proving, sets
from workspace.progress import Line


class Command(BaseCommand):
    help = (
        "Dump the database and pack the uploaded files into WORKSPACE_BACKUP_DIR, as "
        "full_backup_<date>_<time>.dump (UTC) with what belongs to it."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "file", nargs="?", help="another name for the dump; none is overwritten"
        )

        parser.add_argument(
            "--prove",
            action="store_true",
            help="make none: prove the newest, or the one named, in a scratch database",
        )

    def handle(self, *, file, prove, **options):
        progress = Line(self.stdout)
        try:
            if prove:
                one = sets.find(file) if file else sets.newest()
                verdict = proving.prove(one, progress)
            else:
                one = making.make(file, progress)
        except (sets.BackupError, dumps.DumpFailed) as error:
            raise CommandError(str(error)) from error
        except (OSError, OperationalError) as error:
            raise CommandError(f"The backup failed: {error}") from error
        finally:
            progress.end()
        if prove:
            self.stdout.write(
                f"{one.dump} is proven: {verdict['rows']:,} rows of "
                f"{verdict['tables']} tables, {verdict['uploads']} uploaded files"
            )
            return
        removed = making.tidy()
        size = one.manifest["dump"]["size"] + one.manifest["uploads"]["size"]
        self.stdout.write(
            f"{one.dump}\n{size:,} bytes with {one.manifest['uploads']['count']} "
            f"uploaded files; sha256 {one.manifest['dump']['sha256']}"
        )
        if removed:
            self.stdout.write(
                f"Removed, by WORKSPACE_BACKUP_KEEP: {', '.join(removed)}"
            )
