#!/usr/bin/env python
"""Django's command line, on config.settings.

A command finds the embedded servers of its data directory, or has them for as long as
it runs.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured

    from config import embedded

    try:
        embedded.hold(
            settings.DATA_DIR,
            postgres=settings.EMBEDDED_POSTGRES,
            valkey=settings.EMBEDDED_VALKEY,
            durable=settings.EMBEDDED_DURABLE,
        )
    except (ImproperlyConfigured, embedded.EmbeddedError) as error:
        sys.exit(str(error))
    execute_from_command_line(sys.argv)
