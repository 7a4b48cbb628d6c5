"""Hidden files of uploads on servers: written down, so that none is left for ever.

Who breaks off may come back, and a web process that is killed clears nothing away.
"""

import contextlib
import logging
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

from django.conf import settings
from django.utils import timezone

from config.errors import DomainError
from sshops.models import UploadPart
from sshops.remote_files import Line
from sshops.sftp_pipe import LINE_ERRORS

log = logging.getLogger(__name__)


def remember(server, path):
    rows = UploadPart.objects.filter(server=server, path=path)
    if not rows.update(touched_at=timezone.now()):
        UploadPart.objects.create(server=server, path=path)


def forget(server, path):
    UploadPart.objects.filter(server=server, path=path).delete()


def sweep():
    """Remove what nobody has touched for SSHOPS_UPLOAD_KEEP_DAYS; 0 keeps all."""
    days = settings.SSHOPS_UPLOAD_KEEP_DAYS
    if not days:
        return
    before = timezone.now() - timedelta(days=days)
    old = UploadPart.objects.filter(touched_at__lt=before, server__is_active=True)
    old = old.select_related("server__jump")
    for server, parts in groupby(old, attrgetter("server")):
        try:
            with contextlib.closing(Line(server)) as line:
                for part in parts:
                    remove(line.sftp, part, before)
        except (*LINE_ERRORS, OSError, DomainError) as error:
            log.warning("Parts of uploads stay on %s for now: %s", server, error)


def remove(sftp, part, before):
    """Remove a part, unless an upload that takes long still writes to it."""
    with contextlib.suppress(FileNotFoundError):
        if sftp.stat(part.path).st_mtime >= before.timestamp():
            return
        sftp.remove(part.path)
    part.delete()
