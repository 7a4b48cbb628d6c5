"""Runs commands of manage.py one after another, each in a fork of its own.

Reads their words from standard input, a JSON list a line, and answers likewise: how the
command ended, what it said, and what it complained of.
"""

import json
import os
import sys
import tempfile
from importlib import import_module

import django
from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def run(words, output, errors):
    """In the child: become the command."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    code = 1
    try:
        execute_from_command_line(["manage.py", *words])
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main():
    django.setup()
    import_module("config.urls")
    for line in sys.stdin:
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            child = os.fork()
            if child == 0:
                run(json.loads(line), output, errors)
            _pid, status = os.waitpid(child, 0)
            said = []
            for file in (output, errors):
                file.seek(0)
                said.append(file.read().decode())
            answer = json.dumps([os.waitstatus_to_exitcode(status), *said])
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
