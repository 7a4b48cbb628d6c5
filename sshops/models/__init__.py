from sshops.models.audit import AuditEntry, AuditHead
from sshops.models.health import HealthCheck, HealthRound, ServerHealth
from sshops.models.history import LoadHistory, PatchNote
from sshops.models.leases import Lease
from sshops.models.rules import CommandApproval, CommandRule
from sshops.models.servers import Server
from sshops.models.terminals import Recording, Terminal
from sshops.models.transfers import Transfer, TransferFile, TransferRun
from sshops.models.uploads import UploadPart

__all__ = [
    "AuditEntry",
    "AuditHead",
    "CommandApproval",
    "CommandRule",
    "HealthCheck",
    "HealthRound",
    "Lease",
    "LoadHistory",
    "PatchNote",
    "Recording",
    "Server",
    "ServerHealth",
    "Terminal",
    "Transfer",
    "TransferFile",
    "TransferRun",
    "UploadPart",
]
