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
from workspace.models.queries import Chart, QueryRun
from workspace.models.teams import Invitation, Membership, Team, TeamRole
from workspace.models.workflows import WorkflowRun

__all__ = [
    "Backup",
    "Chart",
    "ChatGroup",
    "ChatMessage",
    "Folder",
    "Invitation",
    "LoginFailure",
    "Membership",
    "PartialUpload",
    "Piece",
    "QueryRun",
    "ReadMark",
    "RefreshToken",
    "Role",
    "Team",
    "TeamRole",
    "TokenFamily",
    "Upload",
    "User",
    "WorkflowRun",
]
