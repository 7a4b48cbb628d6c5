from workspace.admin import backups, files, people, queries, teams, workflows

__all__ = ["backups", "files", "people", "queries", "teams", "workflows"]
