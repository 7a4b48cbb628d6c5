"""The headset's socket, and that of the doctors' pages."""

import asyncio
import json
import logging
from urllib.parse import parse_qs

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from config.auth import token_of
from config.consumers import FORBIDDEN, NOT_FOUND, SIGNED_OUT, Consumer
from config.errors import Unavailable
from config.realtime import in_thread, publish_now
from diagnosis import clinic, headsets, news, presence, sessions, tasks, uploads
from diagnosis.accounts import NotADoctor
from diagnosis.frames import Data, UnknownAction, frame, parse
from diagnosis.presence import headset_group
from diagnosis.serializers import WatchedSerializer
from diagnosis.times import in_seoul

log = logging.getLogger(__name__)

REPLACED = 4409
LOOK_SECONDS = 10


class HeadsetConsumer(Consumer):
    """/ws/diagnosis/{patient_code}: the headset of one patient, the newest one.

    Wrong frames are answered and change nothing; the conversation goes on.
    """

    login_required = False
    # 10 MiB of any letters fit in, also where JSON writes each as \uXXXX.
    max_frame_bytes = 1 << 25

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
        await news.of_headset(self.patient_id, self.admission.doctor_id)
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
        await news.of_headset(self.patient_id, self.admission.doctor_id)

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


class ClinicConsumer(Consumer):
    """/ws/clinic: a doctor's headsets and live sessions as they are, then each change.

    All is sent again every LOOK_SECONDS: of a headset whose process was killed, or of
    what was lost on the way, no event tells. `?language=` is that of the reasons.
    """

    explains_refusal = True
    max_frame_bytes = 1 << 10

    async def connect(self):
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        asked = query.get("language", [""])[-1]
        known = dict(settings.LANGUAGES)
        self.language = asked if asked in known else settings.LANGUAGE_CODE
        await self.join(await in_thread(news.group_of, self.user))
        self.looks = asyncio.create_task(self.look_often())

    async def look_often(self):
        while True:
            self.deliver({"type": "clinic.look"})
            await asyncio.sleep(LOOK_SECONDS)

    async def left(self):
        self.looks.cancel()

    async def read(self, function, *args):
        """Call in a thread, in the reader's language."""

        def work():
            with translation.override(self.language):
                return function(*args)

        return await in_thread(work)

    async def tell(self, type, **fields):
        frame = {"type": type, **fields}
        await self.transmit(json.dumps(frame, ensure_ascii=False))

    async def clinic_look(self, event):
        try:
            await in_thread(news.group_of, self.user)  # still a doctor?
            await self.tell("clinic", **await self.read(self.all_of_it))
        except NotADoctor:
            self.close(FORBIDDEN)
        except (Unavailable, DatabaseError) as error:
            log.warning("A clinic could not be looked at: %s", error)

    async def headset_changed(self, event):
        patient_id = event["patient_id"]
        connected = await self.read(presence.connected, [patient_id])
        await self.tell("headset", patient_id=patient_id, connected=bool(connected))

    async def session_changed(self, event):
        found = await self.read(self.one_session, event["session_id"])
        if found is not None:
            await self.tell("session", session=found)

    def all_of_it(self):
        live = clinic.live_sessions(self.user)
        return {
            "now": in_seoul(timezone.now()),
            "headsets": clinic.headsets(self.user),
            "sessions": WatchedSerializer(live, many=True).data,
        }

    def one_session(self, session_id):
        found = clinic.session(self.user, session_id)
        return found and WatchedSerializer(found).data
