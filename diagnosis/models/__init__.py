from diagnosis.models.clinic import (
    LIVE,
    Account,
    HeadsetToken,
    Patient,
    Role,
    SessionTransition,
    SignIn,
    State,
    TestSession,
    Upload,
    UploadPiece,
)
from diagnosis.models.records import Recording, RecordRead, Result

__all__ = [
    "LIVE",
    "Account",
    "HeadsetToken",
    "Patient",
    "RecordRead",
    "Recording",
    "Result",
    "Role",
    "SessionTransition",
    "SignIn",
    "State",
    "TestSession",
    "Upload",
    "UploadPiece",
]
