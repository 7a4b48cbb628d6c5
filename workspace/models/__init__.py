from workspace.models.people import RefreshToken, Role, TokenFamily, User

__all__ = ["RefreshToken", "Role", "TokenFamily", "User"]
