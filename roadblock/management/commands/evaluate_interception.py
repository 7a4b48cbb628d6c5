"""Play chases without a server, and tell who catches more: plan, greed, or pursuit."""

from multiprocessing import get_context

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from roadblock import maps
from roadblock.courses import driving_seconds
from roadblock.interception import evaluation, world
from roadblock.interception.evaluation import PLANNER, STRATEGIES, Arena, Setting


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []  # it needs neither database nor broker

    def add_arguments(self, parser):
        parser.add_argument("--map", type=int, default=100, help="its id in GET /maps")
        parser.add_argument("--chases", type=int, default=200, help="of each model")
        parser.add_argument("--police", type=int, default=5)
        parser.add_argument("--seconds", type=float, default=120, help="of a chase")
        parser.add_argument(
            "--runner-pace", type=float, default=1.0, help="of what the roads allow"
        )
        parser.add_argument(
            "--runner-model", choices=world.MODELS, action="append", dest="models"
        )
        parser.add_argument("--processes", type=int, default=2)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *, chases, police, seconds, models, processes, seed, **options):
        if min(chases, police, processes) < 1 or not seconds > 0:
            raise CommandError("All numbers must be above 0.")
        if not 0 < options["runner_pace"] <= 10:
            raise CommandError("--runner-pace must be above 0, and 10 at most.")
        folder = self.folder_of(options["map"])
        every = {strategy: [] for strategy in STRATEGIES}
        context = get_context("spawn")
        with context.Pool(processes, prepare, [folder]) as pool:
            for model in models or world.MODELS:
                setting = Setting(police, model, seconds, options["runner_pace"])
                jobs = [
                    (setting, seed * 1_000_003 + number, strategy)
                    for strategy in STRATEGIES
                    for number in range(chases)
                ]
                outcomes = pool.starmap(play, jobs, chunksize=4)
                found = {
                    strategy: outcomes[row * chases : (row + 1) * chases]
                    for row, strategy in enumerate(STRATEGIES)
                }
                self.tell(f"Runner model {model}", found)
                for strategy, ended in found.items():
                    every[strategy] += ended
        if len(models or world.MODELS) > 1:
            self.tell("All models", every)

    def folder_of(self, map_id):
        found = {each.id: each for each in maps.installed(settings.ROADBLOCK_MAPS_DIR)}
        if map_id not in found:
            known = ", ".join(f"{each.id} {each.name}" for each in found.values())
            raise CommandError(
                f"Map {map_id} is not installed; these are: {known or 'none'}."
            )
        return found[map_id].folder

    def tell(self, title, found):
        """Print rates and seconds, and how far the planner is ahead of the others."""
        self.stdout.write(f"{title}, {len(found[PLANNER])} chases:")
        for strategy, outcomes in found.items():
            rate = evaluation.rate(outcomes)
            took = evaluation.seconds_to_catch(outcomes)
            escaped = sum(each.ending == "escaped" for each in outcomes)
            line = (
                f"  {strategy:8} caught {rate.value:6.1%}"
                f" ({rate.low:.1%} to {rate.high:.1%}),"
                f" escaped {escaped / len(outcomes):6.1%}"
            )
            if took is not None:
                line += (
                    f", after {took.value:.1f} s ({took.low:.1f} to {took.high:.1f})"
                )
            self.stdout.write(line)
        for strategy in STRATEGIES[:-1]:
            ahead = evaluation.difference(found[PLANNER], found[strategy])
            self.stdout.write(
                f"  planner over {strategy:8} {ahead.value:+6.1%}"
                f" ({ahead.low:+.1%} to {ahead.high:+.1%})"
            )
        self.stdout.flush()


_arena = None


def prepare(folder):
    """Make a worker process ready to play on a map."""
    global _arena
    roads = maps.read(folder)
    _arena = Arena(roads, driving_seconds(roads))


def play(setting, seed, strategy):
    return _arena.chase(setting, seed, strategy)
