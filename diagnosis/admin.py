"""The operators' desk; that of recordings and results has a module of its own."""

from diagnosis import records_admin

__all__ = ["records_admin"]
