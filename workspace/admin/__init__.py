from workspace.admin import backups, people, workflows

__all__ = ["backups", "people", "workflows"]
