"""A terminal as far as output tests need one: it tells what would be on the screen.

Nothing scrolls away, and what is erased has the colour in force. Lines wrap nowhere:
tests stay within COLUMNS.
"""

import re
import unicodedata

TOKEN = re.compile(r"\x1b\[([0-9;:]*)([A-Za-z])|(.)", re.DOTALL)
BLANK = (" ", "")
COLUMNS = 400


class Screen:
    def __init__(self):
        self.cells = {}
        self.row = self.column = 0
        self.look = ""  # the colour sequences in force

    def feed(self, text):
        for values, final, character in TOKEN.findall(text):
            if final:
                self.control(values, final)
            else:
                self.character(character)

    def control(self, values, final):
        if final == "m":
            is_reset = values in ("", "0")
            self.look = "" if is_reset else f"{self.look}[{values}]"
        elif final == "C":
            self.column += int(values or 1)
        elif final == "K":
            first = 0 if values in ("1", "2") else self.column
            end = self.column + 1 if values == "1" else COLUMNS
            for column in range(first, end):
                self.cells[self.row, column] = (" ", self.look)
        else:
            raise AssertionError(final)

    def character(self, character):
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
        elif character == "\b":
            self.column = max(0, self.column - 1)
        elif character == "\t":
            self.column += 8 - self.column % 8
        elif unicodedata.combining(character):
            place = (self.row, self.column - 1)
            if place in self.cells:
                text, look = self.cells[place]
                self.cells[place] = (text + character, look)
        elif character.isprintable():
            is_wide = unicodedata.east_asian_width(character) in "WF"
            self.cells[self.row, self.column] = (character, self.look)
            self.column += 1
            if is_wide:
                self.cells[self.row, self.column] = ("", self.look)
                self.column += 1

    def shown(self):
        """Return all there is to see, the cursor and the colour in force."""
        seen = {place: cell for place, cell in self.cells.items() if cell != BLANK}
        return seen, self.row, self.column, self.look
