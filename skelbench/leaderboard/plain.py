"""Text made harmless for where it is shown: nothing in it acts on a terminal, a page or a spreadsheet."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_FORMULA = ("=", "+", "-", "@")
_MARKUP = re.compile(r"[\\`*_\[\]<>|&!#~]")


def plain(text: str) -> str:
    """Text in one line, with a question mark's box for each control character and mark of direction."""
    line = " ".join(text.split())
    return line if line.isprintable() else _CONTROL.sub("\N{REPLACEMENT CHARACTER}", line)


def for_spreadsheet(text: str) -> str:
    """Plain text that no spreadsheet takes for a formula: an apostrophe stands before it."""
    shown = plain(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def for_markdown(text: str) -> str:
    """Plain text that stays in its cell of a Markdown table and is not taken for markup."""
    return _MARKUP.sub(lambda found: f"\\{found[0]}", plain(text))
