"""What comes in and goes out as JSON; the field names are those of the wire."""
