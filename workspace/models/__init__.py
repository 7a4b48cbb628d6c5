from workspace.models.people import RefreshToken, Role, TokenFamily, User
from workspace.models.queries import Chart, QueryRun

__all__ = ["Chart", "QueryRun", "RefreshToken", "Role", "TokenFamily", "User"]
