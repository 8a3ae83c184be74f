"""What is said to users: whatever strangers write into names and messages, it acts on nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelbench.errors import SkelbenchError, is_name, printable


@given(st.text(st.characters()))
def test_what_is_printed_moves_no_cursor_and_can_be_encoded(text: str):
    shown = printable(text)
    assert all(character.isprintable() or character in "\t\n" or ord(character) > 0x9F for character in shown)
    assert printable(shown) == shown
    shown.encode()


def test_escapes_in_a_name_or_a_message_of_a_plugin_are_told_as_such():
    assert (
        str(SkelbenchError("bad\x1b[2J", where="a\x07:1", remedy="no\u202e"))
        == r"a\x07:1: bad\x1b[2J. no\u202e"
    )


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a b", "-x", "x\n", "x\x1b", "x" * 201, "\u0430"]
)
def test_what_could_leave_a_folder_or_a_cell_is_no_name(name: str):
    assert not is_name(name)


def test_names_of_specs_runs_and_streams_are_names():
    assert all(map(is_name, ["sgcn-ucla", "2s-agcn", "joint+bone", "sgcn.st-gcn++-0a1b2c3d-0"]))
