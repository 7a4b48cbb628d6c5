"""A worker takes a run, works on it, and notes how it ended."""

import logging

from sshops import transfers
from sshops.errors import Failure
from sshops.models import TransferRun
from sshops.models.transfers import TransferKind, TransferState
from sshops.shared_work import Fetching, Sending
from sshops.transfer_work import RunEnded, Work

log = logging.getLogger(__name__)

WORKS = {
    TransferKind.COPY: Work,
    TransferKind.SEND: Sending,
    TransferKind.FETCH: Fetching,
}


def run(run_id):
    """Work on a run until it is over; leave one alone that somebody else works on."""
    claimed = transfers.claim(run_id)
    if claimed is None:
        return
    work = WORKS[claimed.kind](claimed)
    try:
        if claimed.is_cancel_wanted:
            raise RunEnded
        work.carry_out()
    except RunEnded:
        give_up(work, TransferState.CANCELLED)
    except Failure as failure:
        why = failure.detail or ""
        log.warning("Transfer %s: %s %s", claimed, failure, why)
        give_up(work, TransferState.ERROR, failure=failure)
    except Exception:
        log.exception("Transfer %s broke", claimed)
        give_up(work, TransferState.ERROR, failure=Failure())
    else:
        transfers.finish(claimed, TransferState.COMPLETE)


def clear_away(run_id):
    """Clear away what has come of a run that ended without its worker."""
    servers = ("source_server__jump", "target_server__jump")
    run = TransferRun.objects.select_related(*servers).get(pk=run_id)
    WORKS[run.kind](run).forget()


def give_up(work, state, **how):
    if transfers.finish(work.run, state, **how):  # else another worker goes on
        work.forget()
