"""Make a backup set: database and uploaded files."""

from django.core.management import BaseCommand, CommandError
from django.db import OperationalError

from workspace import backups, dumps
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

    def handle(self, *, file, **options):
        progress = Line(self.stdout)
        try:
            one = backups.make(file, progress)
        except (backups.BackupError, dumps.DumpFailed) as error:
            raise CommandError(str(error)) from error
        except (OSError, OperationalError) as error:
            raise CommandError(f"The backup failed: {error}") from error
        finally:
            progress.end()
        removed = backups.tidy()
        size = one.manifest["dump"]["size"] + one.manifest["uploads"]["size"]
        self.stdout.write(
            f"{one.dump}\n{size:,} bytes with {one.manifest['uploads']['count']} "
            f"uploaded files; sha256 {one.manifest['dump']['sha256']}"
        )
        if removed:
            self.stdout.write(
                f"Removed, by WORKSPACE_BACKUP_KEEP: {', '.join(removed)}"
            )
