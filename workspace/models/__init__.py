from workspace.models.backups import Backup
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
    "LoginFailure",
    "RefreshToken",
    "Role",
    "TokenFamily",
    "User",
    "WorkflowRun",
]
