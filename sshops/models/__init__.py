from sshops.models.audit import AuditEntry, AuditHead
from sshops.models.servers import Server
from sshops.models.terminals import Recording, Terminal

__all__ = ["AuditEntry", "AuditHead", "Recording", "Server", "Terminal"]
