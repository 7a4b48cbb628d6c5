from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from roadblock import maps, town


class Command(BaseCommand):
    help = "Build the demo town, unless it is installed already."

    def add_arguments(self, parser):
        parser.add_argument("--seed", type=int, default=town.SEED)
        parser.add_argument("--force", action="store_true", help="build it anew")

    def handle(self, *, seed, force, verbosity, **options):
        name, folder = maps.CATALOGUE[maps.TOWN_ID]
        target = settings.ROADBLOCK_MAPS_DIR / folder
        if target.exists() and not force:
            if verbosity:
                self.stdout.write(f"{name} is already there")
            return
        try:
            town.build(target, seed)
        except (ValueError, OSError) as error:
            raise CommandError(f"{name} was not built: {error}") from error
        self.stdout.write(self.style.SUCCESS(f"Built {name}"))
