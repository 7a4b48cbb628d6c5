"""The beat's doors: what happens at the bays without anybody asking."""

from celery import shared_task

from charging import cancelling, idempotency, matching, stays, waiting


@shared_task
def keep_watch():
    """Let go what nobody came for, offer it on, and write the letters."""
    cancelling.lapse_offers()
    cancelling.release_no_shows()
    waiting.offer_all()
    waiting.tell()
    stays.note_overstays()


@shared_task
def sweep():
    """Forget what is kept for a time only."""
    idempotency.sweep()
    matching.sweep()
