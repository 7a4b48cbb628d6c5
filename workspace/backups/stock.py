"""The rows of Backup, which agree with the manifests: those are the truth."""

from datetime import datetime

from django.db import OperationalError
from django.utils import timezone

from config import outages
from workspace import outbox
from workspace.backups import sets
from workspace.models import Backup


def take_stock():
    """Make the rows of Backup agree with the folder; not yet, in an outage."""
    try:
        _take_stock()
    except OperationalError as error:
        if not outages.noticed(error):
            raise


def _take_stock():
    present = {one.name: one for one in sets.listed()}
    rows = {row.name: row for row in Backup.objects.all()}
    for name, row in rows.items():
        if row.outcome == Backup.Outcome.COMPLETE and name not in present:
            row.delete()
    for name, one in present.items():
        row = rows.get(name) or Backup(name=name)
        told = _as_row(one)
        if any(getattr(row, key) != value for key, value in told.items()):
            for key, value in told.items():
                setattr(row, key, value)
            outbox.store(row)


def _as_row(one):
    manifest = one.manifest
    proven = manifest.get("proven_at")
    return {
        "started_at": datetime.fromisoformat(manifest["started_at"]),
        "finished_at": datetime.fromisoformat(manifest["finished_at"]),
        "outcome": Backup.Outcome.COMPLETE,
        "error": "",
        "file": one.file,
        "size": manifest["dump"]["size"] + manifest["uploads"]["size"],
        "sha256": manifest["dump"]["sha256"],
        "uploads": manifest["uploads"]["count"],
        "is_encrypted": one.is_sealed,
        "is_elsewhere": bool(manifest.get("is_elsewhere")),
        "proven_at": proven and datetime.fromisoformat(proven),
        "flaw": manifest.get("flaw", ""),
    }


def note_proof(one, flaw):
    """Write down that a set was proven just now, or what is wrong with it."""
    manifest = {**one.manifest, "flaw": flaw or ""}
    if not flaw:
        manifest["proven_at"] = timezone.now().isoformat()
    sets.write_manifest(one, manifest)
    take_stock()
