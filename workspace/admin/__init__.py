from workspace.admin import files, people, queries, teams

__all__ = ["files", "people", "queries", "teams"]
