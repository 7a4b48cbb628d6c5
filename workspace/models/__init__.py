from workspace.models.chat import ChatGroup, ChatMessage, ReadMark
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
    "LoginFailure",
    "QueryRun",
    "ReadMark",
    "RefreshToken",
    "Role",
    "TokenFamily",
    "User",
]
