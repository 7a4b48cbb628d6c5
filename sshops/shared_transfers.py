"""Ask for a transfer between a server and the files that people share.

A run of its own each, queued and carried out as those of named transfers are.
"""

import posixpath

from config import shared_files
from sshops import transfers
from sshops.commands import server_of
from sshops.models.transfers import TransferKind


def send(caller, server_name, id, path, *, rate_limit=None):
    """Queue that a shared file is sent to a path; return the run.

    Raise UnknownServer, or what the files' keeper says.
    """
    server = server_of(caller.user, server_name)
    file = shared_files.keeper().find(caller.user, id)
    return transfers.queue(
        caller,
        kind=TransferKind.SEND,
        shared_file=file.id,
        source_path=file.name,
        target_server=server,
        target_path=path,
        rate_limit=rate_limit,
    )


def fetch(caller, server_name, path, *, name="", rate_limit=None):
    """Queue that a server's file becomes a shared one; return the run.

    Raise UnknownServer, or what the files' keeper says.
    """
    server = server_of(caller.user, server_name)
    name = shared_files.keeper().named(caller.user, name or posixpath.basename(path))
    return transfers.queue(
        caller,
        kind=TransferKind.FETCH,
        source_server=server,
        source_path=path,
        target_path=name,
        rate_limit=rate_limit,
    )
