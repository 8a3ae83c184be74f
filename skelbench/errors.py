"""Errors that a user can act on: each says where, what, and how to mend it."""

from __future__ import annotations

import difflib
import errno
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class Problem:
    """One thing wrong with an input.

    Attributes:
        what: What is wrong, as a clause without a final stop.
        where: The place: ``file:line``, a path, or ``""`` where there is none.
        remedy: What to do about it, or ``""``.
    """

    what: str
    where: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return printable(f"{text}. {self.remedy}" if self.remedy else text)


class SkelbenchError(Exception):
    """Wrong input, told in one short paragraph; the command line exits with ``exit_code``.

    Args:
        what: What is wrong.
        where: The place of the fault.
        remedy: What to do about it.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: object = "", remedy: str = "") -> None:
        self.problems: tuple[Problem, ...] = (Problem(what, str(where), remedy),)
        super().__init__(str(self.problems[0]))

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """One error that carries several problems, each on a line of its own."""
        listed = tuple(problems)
        error = cls(listed[0].what)
        error.problems = listed
        error.args = ("\n".join(map(str, listed)),)
        return error

    def at(self, where: str) -> Self:
        """The same error with a place for what has none."""
        placed = [problem if problem.where else replace(problem, where=where) for problem in self.problems]
        return type(self).of(placed)


class SpecError(SkelbenchError):
    """A search-space spec that cannot be read or does not fit the registry."""


class PluginError(SkelbenchError):
    """A plugin or component that cannot be loaded or found."""


class DataError(SkelbenchError):
    """Data that is missing, truncated, corrupt, or does not fit."""


class RunFolderError(SkelbenchError):
    """A run folder or record that cannot be used."""


class WorkFailed(SkelbenchError):
    """The input was right and the work failed all the same."""

    exit_code = 1


_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")


def printable(text: str) -> str:
    """Text as a terminal or a page can be shown it: what would act on them becomes its escape, ``\\x1b``.

    That is: control and escape characters, marks that turn the direction of writing, halves of characters.
    Tabs and ends of lines stay.
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def is_name(text: str) -> bool:
    """Whether a text can be the name of a file, of a row or of a column, whoever has given it."""
    return _NAME.fullmatch(text) is not None


def of_storage(error: OSError) -> bool:
    """Whether the disk is full or failing, which is no fault of what was given."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE)


def described(error: BaseException) -> str:
    """Kind and message of an exception of a stranger's, whose message may fail as well."""
    try:
        message = str(error)
    except Exception:
        message = "(its message cannot be shown)"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def nearest(name: object, names: Iterable[str]) -> str | None:
    """The valid name closest to ``name``, or None where nothing is close."""
    found = difflib.get_close_matches(str(name), list(names), n=1, cutoff=0.5)
    return found[0] if found else None


def did_you_mean(name: object, names: Iterable[str], *, at_most: int = 12) -> str:
    """A remedy for an unknown name: the nearest valid one, else the valid ones."""
    listed = sorted(names)
    near = nearest(name, listed)
    if near is not None:
        return f"Did you mean '{near}'?"
    shown = ", ".join(listed[:at_most]) + (", ..." if len(listed) > at_most else "")
    return f"Valid names: {shown}" if listed else "There is none to choose from"


_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "a list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "a mapping"),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), "a date such as 2026-01-31"),
    "string_type": "text",
    "finite_number": "a finite number",
    "none_required": "null",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "too_short": "longer: it needs at least {min_length}",
    "too_long": "shorter: it has room for {max_length}",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "is_instance_of": "a {class}",
    "callable_type": "something that can be called",
}
"""What a value must be, by pydantic's name of what is wrong with it."""


def fault_in_words(fault: Mapping[str, Any]) -> str:
    """What is wrong with a value, in plain words: ``must be a whole number``.

    Args:
        fault: One of the details of a pydantic ``ValidationError``.
    """
    context = fault.get("ctx", {})
    if fault["type"] in ("value_error", "assertion_error") and "error" in context:
        return str(context["error"])
    if fault["type"] in _EXPECTED:
        shown = {key: f"{v:g}" if isinstance(v, float) else v for key, v in context.items()}
        return "must be " + _EXPECTED[fault["type"]].format(**shown)
    return re.sub(r"^Input should (have|be|contain)", r"must \1", str(fault["msg"]))
