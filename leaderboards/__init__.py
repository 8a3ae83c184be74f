"""Published records and figures, as package data."""
