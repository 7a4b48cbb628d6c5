import argparse
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from diagnosis import synthetic


class Command(BaseCommand):
    help = "Write a made-up recording, the same for the same seed."

    def add_arguments(self, parser):
        parser.add_argument("type", choices=list(synthetic.HEADERS))
        parser.add_argument("--level", type=int, choices=[1, 2, 3], default=1)
        parser.add_argument("--seconds", type=seconds, default=60)
        parser.add_argument(
            "--skill", type=share, default=0.7, help="share of points won, 0 to 1"
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--output", type=Path, help="a file; otherwise printed")

    def handle(self, *, type, level, seconds, skill, seed, output, **options):
        content = synthetic.recording(
            type, level=level, seconds=seconds, skill=skill, seed=seed
        )
        if output is None:
            self.stdout.write(content.decode(), ending="")
            return
        try:
            output.write_bytes(content)
        except OSError as error:
            raise CommandError(f"{output} was not written: {error}") from error
        lines = content.count(b"\n") - 1
        self.stdout.write(self.style.SUCCESS(f"Wrote {lines} rows to {output}"))


def seconds(text):
    value = float(text)
    if not 0.1 <= value <= 86_400:
        raise argparse.ArgumentTypeError("from 0.1 to 86400")
    return value


def share(text):
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("from 0 to 1")
    return value
