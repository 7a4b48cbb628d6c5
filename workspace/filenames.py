"""What a client's file name becomes: a clean one to show, and a stored one to serve.

Pure functions over the endings that existing clients know.
"""

import os
import re
import unicodedata
import uuid

from config.errors import DomainError
from workspace.models import Folder

LONGEST = 255
KEPT_ENDING = re.compile(r"\.[A-Za-z0-9]{1,16}", re.ASCII)
STORED = re.compile(rf"[0-9a-f-]{{36}}({KEPT_ENDING.pattern})?", re.ASCII)
BIDI = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
# Control characters, halves of characters, separators of lines and paragraphs.
UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})

FOLDERS = {
    **dict.fromkeys(
        ["jpg", "jpeg", "png", "gif", "bmp", "webp", "tiff", "svg"], Folder.IMAGES
    ),
    **dict.fromkeys(
        [
            *("txt", "text", "doc", "docx", "dot", "dotx"),
            *("xls", "xlsx", "xlsm", "xlsb", "ppt", "pptx"),
            *("hwp", "hwpx", "pdf", "rtf", "odt", "ods", "odp"),
        ],
        Folder.DOCUMENTS,
    ),
}
UNKNOWN_TYPE = "application/octet-stream"
TYPES = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "txt": "text/plain",
    "html": "text/html",
    "json": "application/json",
    "xml": "application/xml",
    "zip": "application/zip",
    "doc": "application/msword",
    "docx": "application/msword",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.ms-powerpoint",
    "hwp": "application/x-hwp",
    "hwpx": "application/x-hwp",
}
# Pictures that cannot carry a script; all else is served to be saved, not shown.
SHOWN = frozenset(TYPES[ending] for ending in ("png", "jpg", "gif", "bmp", "webp"))


class Nameless(DomainError):
    """The file needs a name."""

    status = 422
    code = "invalid"


def clean(name):
    """Return the base of a client's name: NFC, without unseen and bidi characters.

    At most LONGEST characters, the ending kept. Raise Nameless when nothing is left.
    """
    seen = (c for c in name if c not in BIDI and unicodedata.category(c) not in UNSEEN)
    base = re.split(r"[/\\]", "".join(seen))[-1]
    base = unicodedata.normalize("NFC", base).strip()
    if base in ("", ".", ".."):
        raise Nameless
    stem, ending = os.path.splitext(base)
    if len(ending) > LONGEST // 2:
        return base[:LONGEST]
    return stem[: LONGEST - len(ending)] + ending


def ending_of(name):
    """Return the last ending of a clean name with its dot, or an empty text."""
    ending = os.path.splitext(name)[1]
    return ending if KEPT_ENDING.fullmatch(ending) else ""


def stored(name):
    """Return (filename, folder, content_type) for a clean name; filename is new."""
    ending = ending_of(name)
    kind = ending[1:].lower()
    folder = FOLDERS.get(kind, Folder.FILES)
    return f"{uuid.uuid4()}{ending}", folder, TYPES.get(kind, UNKNOWN_TYPE)
