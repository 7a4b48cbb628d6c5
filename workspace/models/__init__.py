from workspace.models.people import (
    LoginFailure,
    RefreshToken,
    Role,
    TokenFamily,
    User,
)

__all__ = ["LoginFailure", "RefreshToken", "Role", "TokenFamily", "User"]
