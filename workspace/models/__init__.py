from workspace.models.chat import ChatGroup, ChatMessage, ReadMark
from workspace.models.files import Folder, PartialUpload, Piece, Upload
from workspace.models.people import (
    LoginFailure,
    RefreshToken,
    Role,
    TokenFamily,
    User,
)

__all__ = [
    "ChatGroup",
    "ChatMessage",
    "Folder",
    "LoginFailure",
    "PartialUpload",
    "Piece",
    "ReadMark",
    "RefreshToken",
    "Role",
    "TokenFamily",
    "Upload",
    "User",
]
