"""The headset's socket."""

import asyncio
import logging

from django.db import DatabaseError
from django.utils.translation import gettext as _

from config.auth import token_of
from config.consumers import NOT_FOUND, SIGNED_OUT, Consumer
from config.errors import Unavailable
from config.realtime import in_thread, publish_now
from diagnosis import headsets, presence, sessions, tasks, uploads
from diagnosis.frames import Data, UnknownAction, frame, parse
from diagnosis.presence import headset_group

log = logging.getLogger(__name__)

REPLACED = 4409


class HeadsetConsumer(Consumer):
    """/ws/diagnosis/{patient_code}: the headset of one patient, the newest one.

    Wrong frames are answered and change nothing; the conversation goes on.
    """

    login_required = False
    max_frame_bytes = 1 << 24

    async def connect(self):
        headers = dict(self.scope["headers"])
        self.admission = await in_thread(
            headsets.admit,
            self.scope["url_route"]["kwargs"]["patient_code"],
            user=self.user,
            token=token_of(self.scope, headers),
            user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
            address=(self.scope.get("client") or ("",))[0],
        )
        self.patient_id = self.admission.patient_id
        self.told = None  # the session that the headset was last told to start
        await self.join(headset_group(self.patient_id))
        self.number = await in_thread(presence.arrive, self.patient_id)
        await publish_now(
            headset_group(self.patient_id), "headset.arrived", number=self.number
        )
        # It may have been away when the session started.
        waiting = await in_thread(sessions.ready_for, self.patient_id)
        if waiting is not None:
            await self.diagnosis_ready(sessions.as_order(waiting))
        # Last: after a handshake that breaks, nothing would end it.
        self.renewal = asyncio.create_task(self.stay_present())

    async def stay_present(self):
        while True:
            await asyncio.sleep(presence.RENEWAL_SECONDS)
            try:
                newest = await in_thread(presence.renew, self.patient_id, self.number)
            except Unavailable as error:
                log.warning("A headset's presence was not renewed: %s", error)
                continue
            if not newest:
                self.give_way()

    async def left(self):
        self.renewal.cancel()
        await in_thread(presence.leave, self.patient_id, self.number)

    def give_way(self):
        """A newer socket speaks for the patient."""
        self.send(frame("s_force_disconnect"))
        self.close(REPLACED)

    # From the headset

    async def receive(self, data):
        action, data = parse(data)
        act = self.actions.get(action)
        if act is None:
            raise UnknownAction
        try:
            await act(self, Data(data))
        except DatabaseError as error:
            log.error("%s could not be done: %s", action, error)
            raise Unavailable from error

    async def started(self, data):
        await in_thread(sessions.begin, data.number("diagnosis_id"), self.patient_id)

    async def failed(self, data):
        reason = _("The headset could not run the test.")
        number = data.number("diagnosis_id")
        await in_thread(sessions.give_up, number, self.patient_id, reason)

    async def upload(self, data):
        content = data.text("file_content")
        number = data.number("diagnosis_id")
        recording = await in_thread(
            uploads.take_whole, number, self.patient_id, content
        )
        await in_thread(tasks.nudge, recording.pk)

    async def upload_begin(self, data):
        number = data.number("diagnosis_id")
        size, sha256 = data.number("size"), data.digest("sha256")
        offset, is_whole = await in_thread(
            uploads.begin, number, self.patient_id, size, sha256
        )
        if is_whole:
            self.upload_done(number, size, sha256)
        else:
            self.send(
                frame("s_upload_ready", {"diagnosis_id": number, "offset": offset})
            )

    async def upload_chunk(self, data):
        number, offset = data.number("diagnosis_id"), data.number("offset")
        content, sha256 = data.base64("content"), data.digest("sha256")
        stored = await in_thread(
            uploads.add, number, self.patient_id, offset, content, sha256
        )
        self.send(
            frame(
                "s_upload_stored",
                {"diagnosis_id": number, "offset": stored, "sha256": sha256},
            )
        )

    async def upload_end(self, data):
        number = data.number("diagnosis_id")
        recording = await in_thread(uploads.end, number, self.patient_id)
        self.upload_done(number, recording.size, recording.sha256)
        await in_thread(tasks.nudge, recording.pk)

    def upload_done(self, number, size, sha256):
        data = {"diagnosis_id": number, "size": size, "sha256": sha256}
        self.send(frame("s_upload_done", data))

    actions = {
        "c_diagnosis_started": started,
        "c_diagnosis_failed": failed,
        "c_upload_result": upload,
        "c_upload_begin": upload_begin,
        "c_upload_chunk": upload_chunk,
        "c_upload_end": upload_end,
    }

    def answer_error(self, error):
        return frame("s_error", {"code": error.code, "detail": error.text})

    # To the headset

    async def headset_arrived(self, event):
        if event["number"] > self.number:
            self.give_way()

    async def headset_revoked(self, event):
        if event["token"] == self.admission.token_id:
            self.close(SIGNED_OUT)

    async def patient_removed(self, event):
        self.close(NOT_FOUND)

    async def diagnosis_ready(self, event):
        if event["diagnosis_id"] == self.told:
            return  # read from the database, and heard of too
        self.told = event["diagnosis_id"]
        data = {
            "diagnosis_id": event["diagnosis_id"],
            "type": event["test"],
            "level": event["level"],
        }
        self.send(frame("s_start_diagnosis", data))

    async def diagnosis_stopped(self, event):
        self.send(frame("s_stop_diagnosis"))

    async def recording_unusable(self, event):
        data = {"code": "recording_unusable", "detail": event["reason"]}
        self.send(frame("s_error", data))
