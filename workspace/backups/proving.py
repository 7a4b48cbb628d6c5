"""Prove a backup: restore it into a scratch database and compare what is there."""

import tarfile

from config import alerts
from workspace.backups import dumps, fingerprints, sets, stock
from workspace.progress import nothing


def prove(one, progress=nothing):
    """Prove a set and write down the verdict; return {"tables", "rows", "uploads"}.

    Raises BackupError with the flaw, of which operators are told too.
    """
    flaw = sets.flaw_of(one)
    found = {}
    if flaw is None:
        try:
            found = _restored(one, progress)
            lines = fingerprints.differences(one.tables, found)
            lines += _flaws_of_uploads(one)
            flaw = "; ".join(lines[:5]) or None
        except dumps.DumpFailed as error:
            flaw = str(error)
    stock.note_proof(one, flaw)
    if flaw:
        alerts.tell(
            "backup-proof",
            subject="A backup is worth nothing",
            text=f"The backup {one.name} was not proven: {flaw}",
        )
        raise sets.BackupError(flaw)
    return {
        "backup": one.name,
        "tables": len(found),
        "rows": sum(rows for rows, _sum in found.values()),
        "uploads": one.manifest["uploads"]["count"],
    }


def _restored(one, progress):
    """Return the fingerprint of what the dump makes of an empty database."""
    with (
        sets.opened(one, one.dump) as dump,
        dumps.scratch_database() as scratch,
    ):
        dumps.restore_into(scratch, dump, one.tables, progress)
        progress(1, 1, "comparing")
        with dumps.connect(scratch) as connection:
            return fingerprints.of_database(connection)


def _flaws_of_uploads(one):
    with sets.opened(one, one.uploads) as path, tarfile.open(path) as archive:
        count = sum(1 for _entry in archive)
    expected = one.manifest["uploads"]["count"]
    return [f"{count} uploaded files, not {expected}"] if count != expected else []
