import os

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from workspace import people


class Command(BaseCommand):
    help = (
        "Makes sure that there is a superuser: the one of DJANGO_SUPERUSER_EMAIL and "
        "DJANGO_SUPERUSER_PASSWORD; without these, and if there is none at all, one "
        "with a random password, which is printed this once."
    )

    def handle(self, *args, **options):
        made_up = people.ensure_superuser(
            os.environ.get("DJANGO_SUPERUSER_EMAIL", ""),
            os.environ.get("DJANGO_SUPERUSER_PASSWORD", ""),
        )
        if made_up:
            text = _("Sign in as {email} with the password {password}")
            self.stdout.write(text.format(email=made_up[0], password=made_up[1]))
