from workspace.models.chat import ChatGroup, ChatMessage, ReadMark
from workspace.models.files import Folder, PartialUpload, Piece, Upload
from workspace.models.people import (
    LoginFailure,
    RefreshToken,
    Role,
    TokenFamily,
    User,
)
from workspace.models.queries import Chart, QueryRun

__all__ = [
    "Chart",
    "ChatGroup",
    "ChatMessage",
    "Folder",
    "LoginFailure",
    "PartialUpload",
    "Piece",
    "QueryRun",
    "ReadMark",
    "RefreshToken",
    "Role",
    "TokenFamily",
    "Upload",
    "User",
]
