from sshops.admin import history, servers, transfers

__all__ = ["history", "servers", "transfers"]
