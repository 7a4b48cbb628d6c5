from sshops.admin import history, rules, servers, transfers

__all__ = ["history", "rules", "servers", "transfers"]
