"""Leaderboards as one HTML page that stands by itself, with nothing from a network."""
