"""A picture becomes the text of a number plate, by somebody else's service.

Two kinds: `http`, a recogniser that takes the picture and answers JSON, and `gptapi`,
OpenAI's Responses API, which is paid for and therefore has a daily cap.
"""

import base64
import json
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _
from redis import RedisError

from charging import pictures
from charging.upstream import BadGateway, Upstream, count
from config.errors import DomainError, Unavailable

log = logging.getLogger(__name__)

HOP_HEADER = "X-Plate-Hop"
PASSED_ON = "Cache-Control", "ETag"
AS_JPEG = {"", "image/jpg", "application/octet-stream"}

recogniser = Upstream("plates", at_once=8)


class Loop(DomainError):
    """The plate recogniser's address leads back here; set PLATE_SERVICE_URL right."""

    status = 508
    code = "loop_detected"


class NotConfigured(Unavailable):
    """Plate recognition is not set up: the key of the service is missing."""

    code = "not_configured"


class CapReached(Unavailable):
    """No more plates can be read today: the daily limit is reached."""

    code = "daily_limit_reached"


@dataclass(frozen=True)
class Reading:
    """What a recogniser made of a picture."""

    plate: str
    answer: dict  # for the client, whole
    headers: dict = field(default_factory=dict)

    @property
    def confidence(self):
        return number_or_none(self.answer.get("confidence"))


def read_plate(picture):
    """Return the Reading of a picture; raise one of upstream's errors or of those
    above."""
    ask = ask_openai if settings.PLATE_SERVICE_MODE == "gptapi" else ask_recogniser
    with recogniser.turn():
        reading = ask(picture)
    return unless_doubtful(reading)


def ask_recogniser(picture):
    content_type = picture.content_type or pictures.FALLBACK_TYPE
    answer, headers = recogniser.ask(
        "POST",
        settings.PLATE_SERVICE_URL,
        seconds=settings.PLATE_SERVICE_TIMEOUT,
        files={"image": (picture.name, picture.data, content_type)},
        headers={HOP_HEADER: "1", "Accept": "application/json"},
    )
    refuse_unless_object(answer)
    plate = answer.get("plate")
    if plate is None:
        plate = ""
    if not isinstance(plate, str):
        raise BadGateway
    kept = {name: headers[name] for name in PASSED_ON if name in headers}
    # Servers tear the connection down over a control character.
    kept = {n: v for n, v in kept.items() if v.isascii() and v.isprintable()}
    whole = {**answer, "plate": plate, "raw": answer.get("raw", answer)}
    return Reading(plate, whole, kept)


def ask_openai(picture):
    if not settings.OPENAI_API_KEY:
        raise NotConfigured
    take_from_daily_cap()
    mime = picture.content_type
    if mime in AS_JPEG:
        mime = pictures.FALLBACK_TYPE
    encoded = base64.b64encode(picture.data).decode("ascii")
    content = [
        {"type": "input_text", "text": settings.PLATE_OPENAI_PROMPT},
        {"type": "input_image", "image_url": f"data:{mime};base64,{encoded}"},
    ]
    answer, _headers = recogniser.ask(
        "POST",
        settings.OPENAI_BASE_URL.rstrip("/") + "/responses",
        seconds=settings.PLATE_SERVICE_TIMEOUT,
        json={
            "model": settings.PLATE_OPENAI_MODEL,
            "input": [{"role": "user", "content": content}],
        },
        headers={
            "Authorization": f"Bearer {settings.OPENAI_API_KEY}",
            "Accept": "application/json",
        },
    )
    refuse_unless_object(answer)
    raw = "".join(texts_of(answer))
    return Reading(raw.strip(), {"plate": raw.strip(), "raw": raw})


def refuse_unless_object(answer):
    """Raise BadGateway unless an answer is an object that is JSON again in UTF-8.

    Python reads more than that: NaN, numbers beyond all bounds, lone surrogates.
    """
    if not isinstance(answer, dict):
        raise BadGateway
    try:
        json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        log.warning("A recogniser answered what cannot be passed on")
        raise BadGateway from error


def texts_of(answer):
    """Yield the texts of the messages in an answer of the Responses API."""
    for item in _dicts(answer.get("output")):
        if item.get("type") == "message":
            for part in _dicts(item.get("content")):
                text = part.get("text")
                if part.get("type") == "output_text" and isinstance(text, str):
                    yield text


def _dicts(value):
    values = value if isinstance(value, list) else []
    return [entry for entry in values if isinstance(entry, dict)]


def unless_doubtful(reading):
    """Return the reading, without its plate when the recogniser doubts it too much."""
    confidence = reading.confidence
    if confidence is None or confidence >= settings.PLATE_MIN_CONFIDENCE:
        return reading
    log.info("A plate was dropped, confidence %.2f", confidence)
    return Reading("", {**reading.answer, "plate": ""}, reading.headers)


def number_or_none(value):
    """Return a JSON number as a float, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < float("inf") else None


def take_from_daily_cap():
    """Use up one paid reading of today's, by the calendar of the place of business."""
    cap = settings.PLATE_OPENAI_DAILY_CAP
    if not cap:
        return
    now = datetime.now(settings.BUSINESS_TIMEZONE)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time())
    left = max(1, round((tomorrow.replace(tzinfo=now.tzinfo) - now).total_seconds()))
    key = f"charging:plate-readings:{now:%Y-%m-%d}"
    try:
        # Asked first, so that refused tries do not count on.
        over = cache.get(key, 0) >= cap or count(key, left + 3600) > cap
    except RedisError as error:
        # Money is at stake: what cannot be counted is not spent.
        raise Unavailable(
            _("Readings cannot be counted right now; please try again soon."),
            headers={"Retry-After": "10"},
        ) from error
    if over:
        raise CapReached(headers={"Retry-After": str(left)})
