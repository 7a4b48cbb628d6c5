from sshops.admin import history, servers

__all__ = ["history", "servers"]
