from workspace.models.backups import Backup
from workspace.models.chat import ChatGroup, ChatMessage, ReadMark
from workspace.models.files import Folder, PartialUpload, Piece, Upload
from workspace.models.people import (
    LoginFailure,
    RefreshToken,
    Role,
    TokenFamily,
    User,
)
from workspace.models.workflows import WorkflowRun

__all__ = [
    "Backup",
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
    "WorkflowRun",
]
