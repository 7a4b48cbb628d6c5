"""The workflows there are: backup, its proof, sweeping, and emptying the outbox."""

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workspace import files, outbox, workflows
from workspace.backups import dumps, making, proving, sets, stock

# Backup


def reserve(run, progress):
    return {"file": making.reserve().file, "began": timezone.now().isoformat()}


def dump(run, progress):
    return making.dump(_set(run), progress)


def uploads(run, progress):
    return making.pack_uploads(_set(run), progress)


def complete(run, progress):
    began = datetime.fromisoformat(run.result_of("reserve")["began"])
    made = run.result_of("dump"), run.result_of("uploads")
    making.complete(_set(run), began, *made)


def elsewhere(run, progress):
    return making.copy_elsewhere(_set(run), progress)


def tidy(run, progress):
    return {"backup": _set(run).name, "removed": making.tidy()}


def backup_failed(run, error):
    reserved = run.step("reserve")
    if reserved and "result" in reserved and not _set(run).dump.exists():
        began = datetime.fromisoformat(reserved["result"]["began"])
        making.failed(_set(run), began, error)


def _set(run):
    return sets.BackupSet(run.result_of("reserve")["file"])


# Backup check


def choose(run, progress):
    return sets.newest().file


def prove(run, progress):
    return proving.prove(sets.find(run.result_of("choose")), progress)


# Sweep


def sweep(run, progress):
    return {**files.sweep_abandoned(), "runs": workflows.sweep()}


# Outbox


def flush(run, progress):
    stored = outbox.flush()
    stock.take_stock()
    return {"stored": stored}


workflows.define(
    "backup",
    _("Backup"),
    [reserve, dump, uploads, complete, elsewhere, tidy],
    retried=[dumps.DumpFailed],
    failed=backup_failed,
)
workflows.define("backup_check", _("Backup check"), [choose, prove])
workflows.define("sweep", _("Sweep"), [sweep])
workflows.define("outbox_flush", _("Flush of the outbox"), [flush])
NAMES = list(workflows.WORKFLOWS)
