"""Loads of customers and patch notes: store, find, change, forget."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Count, Min
from django.utils import timezone
from django.utils.translation import gettext as _

from sshops.errors import Failure, NotFound
from sshops.models import LoadHistory, PatchNote

NOBODY = ("", "unknown")  # addresses that clients send who do not know theirs


class UnknownBatch(Failure):
    """There is no batch of this id."""

    status = 404
    code = "STUB_LOAD_HISTORY_BATCH_NOT_FOUND"
    error_code = 50018


class Duplicate(Failure):
    """A customer is twice in this batch, or was stored with it before."""

    status = 409
    code = "STUB_LOAD_HISTORY_DUPLICATE_ENTRY"
    error_code = 50022


class UnknownNote(Failure):
    """There is no such patch note."""

    status = 404
    code = "PATCH_NOTE_NOT_FOUND"
    error_code = 54002


class BlankNote(Failure):
    """A patch note needs a title and a content."""

    status = 400
    code = "PATCH_NOTE_VALIDATION_ERROR"
    error_code = 54004


# Loads


def store(*, customer_numbers, client_ip, caller_ip, **fields):
    """Store a row for each customer, all or none; raise Duplicate."""
    if len(set(customer_numbers)) < len(customer_numbers):
        raise Duplicate
    if client_ip in NOBODY:
        client_ip = caller_ip
    now = timezone.now()
    rows = [
        LoadHistory(
            customer_number=number, client_ip=client_ip, created_at=now, **fields
        )
        for number in customer_numbers
    ]
    try:
        with transaction.atomic():
            LoadHistory.objects.bulk_create(rows)
    except IntegrityError as error:
        raise Duplicate from error
    return len(rows)


def loads(*, customer_number=None, client_ip=None, note=None):
    """Return loads, narrowed by what is given."""
    rows = LoadHistory.objects.all()
    if customer_number is not None:
        rows = rows.filter(customer_number=customer_number)
    if client_ip is not None:
        rows = rows.filter(client_ip=client_ip)
    if note is not None:
        rows = rows.filter(note__icontains=note)
    return rows


def load(id):
    """Return one load; raise NotFound."""
    row = LoadHistory.objects.filter(pk=id).first()
    if row is None:
        raise NotFound(_("There is no such load."))
    return row


def annotate(id, note):
    """Give a load its note; raise NotFound."""
    rows = LoadHistory.objects.filter(pk=id)
    if not rows.update(note=note, updated_at=timezone.now()):
        raise NotFound(_("There is no such load."))


def batch(batch_id):
    """Return a summary of a batch; raise UnknownBatch."""
    rows = LoadHistory.objects.filter(batch_id=batch_id)
    summed = rows.aggregate(total_customers=Count("pk"), first=Min("pk"))
    if not summed["total_customers"]:
        raise UnknownBatch
    row = LoadHistory.objects.get(pk=summed["first"])
    row.total_customers = summed["total_customers"]
    return row


def forget(days):
    """Delete loads that are older than so many days; return how many."""
    before = timezone.now() - timedelta(days=days)
    return LoadHistory.objects.filter(created_at__lt=before).delete()[0]


# Patch notes


def add_note(*, title, content, patch_date):
    """Store a patch note; raise BlankNote."""
    return PatchNote.objects.create(
        title=_written(title), content=_written(content), patch_date=patch_date
    )


def change_note(id, *, title=None, content=None, patch_date=None):
    """Change what is given of a patch note; raise UnknownNote, BlankNote."""
    row = note(id)
    if title is not None:
        row.title = _written(title)
    if content is not None:
        row.content = _written(content)
    if patch_date is not None:
        row.patch_date = patch_date
    row.updated_at = timezone.now()
    row.save(update_fields=["title", "content", "patch_date", "updated_at"])
    return row


def note(id):
    """Return one patch note; raise UnknownNote."""
    row = PatchNote.objects.filter(pk=id).first()
    if row is None:
        raise UnknownNote
    return row


def notes(*, first=None, last=None):
    """Return patch notes between two days, both included."""
    rows = PatchNote.objects.all()
    if first is not None:
        rows = rows.filter(patch_date__gte=first)
    if last is not None:
        rows = rows.filter(patch_date__lte=last)
    return rows


def drop_note(id):
    """Delete a patch note; raise UnknownNote."""
    if not PatchNote.objects.filter(pk=id).delete()[0]:
        raise UnknownNote


def _written(text):
    text = text.strip()
    if not text:
        raise BlankNote
    return text
