"""A browser for the live map."""

from tests.browsing import browser, chromium, site

__all__ = ["browser", "chromium", "site"]
