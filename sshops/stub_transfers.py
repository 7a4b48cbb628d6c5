"""A transfer that a stub client asked for: followed while workers carry it out."""

import asyncio
import contextlib
import time

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.realtime import hub, in_thread
from sshops import audit, tasks, transfers
from sshops.models import TransferRun
from sshops.models.transfers import TransferState
from sshops.runs import Cancelled
from sshops.stub_tasks import Task

PROGRESS_SECONDS = 0.5
LOOK_SECONDS = 2  # how often the row is read where no event comes


class TransferTask(Task):
    def __init__(self, socket, run):
        super().__init__(socket)
        self.transfer_run = run
        self.position = -1  # of the last file that the client was told of
        self.state = None
        self.progress_at = 0
        self.news = asyncio.Event()
        self.newest = {}

    async def run(self):
        group = transfers.group_of(self.transfer_run.pk)
        await hub().join(group, self.hear)
        try:
            self.tell_status(_("SCP transfer {name} is queued."))
            await in_thread(tasks.nudge, self.transfer_run.pk)
            return await self.follow()
        finally:
            await hub().leave(group, self.hear)

    def hear(self, event):
        if event["type"] == "transfer.run":
            self.newest = event
        self.news.set()

    async def follow(self):
        """Tell of what happens until it is over; return the fields of `complete`."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), LOOK_SECONDS)
            self.news.clear()
            run, files = await in_thread(self.look)
            self.tell_of(run, files)
            if run.state == TransferState.COMPLETE:
                return self.completed(run)
            if run.state == TransferState.CANCELLED:
                raise Cancelled
            if run.state == TransferState.ERROR:
                kind = transfers.FAILURES.get(run.error_code, transfers.TransferFailed)
                raise kind(detail=run.error)
            # Files may arrive faster than anybody reads.
            await asyncio.sleep(PROGRESS_SECONDS / 2)

    def look(self):
        run = TransferRun.objects.get(pk=self.transfer_run.pk)
        return run, transfers.files_done_since(run.pk, self.position)

    def tell_of(self, run, files):
        if run.state == TransferState.RUNNING and self.state != run.state:
            self.tell_status(_("SCP transfer {name} is running."))
        self.state = run.state
        for file in files:
            self.position = file.position
            line = f"{file.target_path}  {file.size}  sha256:{file.sha256}\r\n"
            self.socket.tell("output", data=line)
        figures = {
            "file": None,
            "files_done": run.files_done,
            "files_total": run.files_total,
            "bytes_done": run.bytes_done,
            "bytes_total": run.bytes_total,
            "bytes_a_second": transfers.speed_of(run),
            "seconds_left": transfers.seconds_left(run),
            **self.newest,
        }
        if files and not figures["file"]:  # between two of them: the last one, whole
            size = files[-1].size
            whole = {"file_bytes": size, "file_size": size}
            figures |= {"file": files[-1].target_path, **whole}
        if figures["file"]:
            self.tell_progress(run, figures)

    def tell_progress(self, run, figures):
        now = time.monotonic()
        if now < self.progress_at + PROGRESS_SECONDS:
            return
        self.progress_at = now
        self.socket.tell(
            "transfer_progress",
            transfer_name=run.transfer_name,
            **{name: figures[name] for name in transfers.PROGRESS},
        )

    def tell_status(self, text):
        name = self.transfer_run.transfer_name
        self.socket.tell("status", message=text.format(name=name))

    def completed(self, run):
        text = ngettext(
            "SCP transfer {name} complete: {n} file.",
            "SCP transfer {name} complete: {n} files.",
            run.files_total,
        )
        message = text.format(name=run.transfer_name, n=run.files_total)
        return {"message": message, "exit_status": None, "reason": "exit"}

    def cancel(self):
        self.cancelling = asyncio.ensure_future(in_thread(self.cancel_run))

    def cancel_run(self):
        entry = self.transfer_run.audit_entry
        if self.outcome == "disconnected" and entry is not None:
            audit.finish(entry, self.outcome)
        tasks.cancel_transfer(self.transfer_run.pk)

    def finished(self, outcome, **how):
        """Nothing: who works on the run notes its end."""
