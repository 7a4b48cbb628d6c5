from diagnosis.admin import clinic, records

__all__ = ["clinic", "records"]
