from workspace.admin import backups, people, queries, workflows

__all__ = ["backups", "people", "queries", "workflows"]
