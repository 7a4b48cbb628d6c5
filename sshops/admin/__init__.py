from sshops.admin import history, logs, rules, servers, transfers

__all__ = ["history", "logs", "rules", "servers", "transfers"]
