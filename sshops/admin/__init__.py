from sshops.admin import history, logs, servers, transfers

__all__ = ["history", "logs", "servers", "transfers"]
