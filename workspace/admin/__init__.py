from workspace.admin import people, queries

__all__ = ["people", "queries"]
