from sshops.models.audit import AuditEntry, AuditHead
from sshops.models.servers import Server

__all__ = ["AuditEntry", "AuditHead", "Server"]
