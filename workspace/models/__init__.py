from workspace.models.chat import ChatGroup, ChatMessage, ReadMark
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
    "LoginFailure",
    "ReadMark",
    "RefreshToken",
    "Role",
    "TokenFamily",
    "User",
]
