from workspace.models.files import Folder, PartialUpload, Piece, Upload
from workspace.models.people import (
    LoginFailure,
    RefreshToken,
    Role,
    TokenFamily,
    User,
)

__all__ = [
    "Folder",
    "LoginFailure",
    "PartialUpload",
    "Piece",
    "RefreshToken",
    "Role",
    "TokenFamily",
    "Upload",
    "User",
]
