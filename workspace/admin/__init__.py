from workspace.admin import people

__all__ = ["people"]
