from django.core.management.base import BaseCommand, CommandError

from sshops import audit
from sshops.models import AuditEntry


class Command(BaseCommand):
    help = "Check that no row of the SSH audit log was changed, removed or swapped."

    def handle(self, **options):
        wrong = 0
        for number, what in audit.verify():
            self.stderr.write(f"row {number}: {what}")
            wrong += 1
        if wrong:
            raise CommandError(
                f"The audit log is not as it was written: {wrong} places."
            )
        count = AuditEntry.objects.count()
        self.stdout.write(self.style.SUCCESS(f"{count} rows, all as they were written"))
