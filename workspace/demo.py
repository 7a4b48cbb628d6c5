"""The demo: a few people, their team, their talk, and small files, all made here.

None of the people can sign in; the superuser sees what is theirs.
"""

import logging
import struct
import time
import zlib
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from config.storage import StorageAway
from workspace import files, teams
from workspace.chat import history, lines
from workspace.models import Role, Team, TeamRole, Upload

log = logging.getLogger(__name__)

PEOPLE = [
    ("demo-lee", "이도현", Role.USER),
    ("demo-choi", "최서연", Role.USER),
    ("demo-jung", "정민재", Role.VIEWER),
]
TEAM = "시설관리팀"
VISITS = "날짜,방문자,차량\n2026-11-02,41,12\n2026-11-03,38,15\n2026-11-04,52,17\n"
NOTE = "출입문 점검: 매주 월요일 오전 9시.\n예비 열쇠는 관리실에 있습니다.\n"
TALK = [  # minutes ago, who, what
    (95, 0, "3번 충전기 화면이 꺼져 있습니다."),
    (93, 1, "지금 내려가 보겠습니다."),
    (71, 1, "다시 켰습니다. 한 시간 더 지켜볼게요."),
    (70, 2, "예약하신 분께는 제가 알렸습니다."),
    (12, 0, "고맙습니다. 점검 안내는 파일에 올려 두었습니다."),
]
WALL, FLOOR, ROOM, DOOR = (52, 73, 70), (238, 243, 241), (188, 224, 217), (240, 180, 90)


def load(is_new):
    """Fill a new database; without a store for files, leave it as it is."""
    if not is_new:
        return
    try:
        with transaction.atomic():
            make_office()
    except StorageAway:
        log.warning("No demo files: their store is away")


def make_office():
    lee, choi, jung = (
        get_user_model().objects.create_user(
            f"{name}@workspace.invalid", None, uname=uname, urole=role
        )
        for name, uname, role in PEOPLE
    )
    team = teams.found(TEAM, by=lee)
    for person in (choi, jung):
        teams.invite(team, person.email, by=lee)
        teams.join(team, user=person)
    teams.set_role(team, choi.pk, TeamRole.MANAGER, by=lee)
    hold_talk((lee, choi, jung))
    contents = [
        (choi, "점검 안내.txt", NOTE.encode(), "관리실 게시용"),
        (lee, "방문 집계.csv", VISITS.encode("utf-8-sig"), "11월 첫 주"),
        (lee, "1층 평면도.png", floor_plan(), "1층 충전소 배치"),
    ]
    for days, (owner, name, content, description) in enumerate(reversed(contents)):
        upload = files.accept(
            owner=owner,
            content=ContentFile(content),
            name=name,
            description=description,
        )
        moment = timezone.now() - timedelta(days=days, hours=1)
        Upload.objects.filter(pk=upload.pk).update(uploaded_at=moment)
    return Team.objects.get(pk=team.pk)


def hold_talk(people):
    now = time.time()
    history.insert(
        [
            {
                "id": int((now - minutes * 60) * 1e6),
                "kind": lines.TO_GROUP,
                "room": TEAM,
                "sender": people[who].uname,
                "user_id": str(people[who].pk),
                "text": text,
            }
            for minutes, who, text in TALK
        ]
    )


def floor_plan():
    """Draw a floor with four rooms, as a PNG."""
    width, height = 480, 320

    def colour(x, y):
        if min(x, y, width - 1 - x, height - 1 - y) < 8:
            return WALL
        if y in range(118, 126) or y in range(196, 204):
            return DOOR if x % 120 in range(48, 72) else WALL
        if y not in range(126, 196) and x % 120 in range(0, 5):
            return WALL
        return FLOOR if y in range(126, 196) else ROOM

    rows = (
        b"\0" + b"".join(bytes(colour(x, y)) for x in range(width))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(b"".join(rows))),
            chunk(b"IEND", b""),
        )
    )


def chunk(kind, content):
    """Return one chunk of a PNG: length, kind, content, checksum."""
    checksum = zlib.crc32(kind + content)
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    )
