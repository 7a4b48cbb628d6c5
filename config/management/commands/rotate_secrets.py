from django.core.management import BaseCommand

from config import secrets


class Command(BaseCommand):
    help = "Encrypt the secrets in the database anew, by the first of SECRETS_KEYS."

    def handle(self, **options):
        self.stdout.write(f"{secrets.rotate()} rows are under the first key now.")
