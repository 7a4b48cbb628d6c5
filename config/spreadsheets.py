"""Lines of CSV that a spreadsheet takes for what they are: text, and numbers."""

import csv
import io
import re

# Without it, spreadsheets misread Hangul. Once, before the first line.
BYTE_ORDER_MARK = "\ufeff"
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def line(cells):
    """Return a line of CSV; nobody's text in it is a formula."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_harmless(cell) for cell in cells])
    return buffer.getvalue()


def _harmless(cell):
    text = "" if cell is None else str(cell)
    if text.startswith(FORMULA_SIGNS) and not NUMBER.fullmatch(text):
        return f"'{text}"
    return text
