"""What of a table a reader wants to see: its columns, order and rows; the default is a reader's choice."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from skelbench.errors import SkelbenchError, did_you_mean
from skelbench.leaderboard.column import better_low, label, names_of, value
from skelbench.leaderboard.table import AS_REPORTED, Row, Table, metric_columns

_CONDITION = re.compile(r"\s*([\w.+-]+?)\s*(<=|>=|!=|==|=|<|>|~)\s*(.*?)\s*")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TOLD = ("space", "strategy", "stream", "source", "selection", "views", "device")


@dataclass(frozen=True)
class Condition:
    """A condition on rows, as in ``gmacs<0.1``.

    Attributes:
        column: The column's name.
        sign: ``<``, ``<=``, ``>``, ``>=``, ``=``, ``!=`` or ``~``, which holds where a text contains another.
        wanted: What cells are compared with.
    """

    column: str
    sign: str
    wanted: str

    def holds(self, row: Row) -> bool:
        """Whether a row fulfils it; a blank cell fulfils but ``!=``.

        Raises:
            SkelbenchError: A number is compared with what is none.
        """
        found = value(self.column, row.get(self.column))
        if found is None:
            return self.sign == "!="
        if isinstance(found, str):
            return self._text(found.casefold(), self.wanted.casefold())
        if self.sign == "~":
            return self.wanted in str(found)
        wanted = self._number()
        if self.sign in _COMPARE:
            return _COMPARE[self.sign](found, wanted)
        return (found == wanted) == (self.sign != "!=")

    def _text(self, found: str, wanted: str) -> bool:
        if self.sign == "~":
            return wanted in found
        if self.sign in _COMPARE:
            return _COMPARE[self.sign](found, wanted)
        return (found == wanted) == (self.sign != "!=")

    def _number(self) -> float:
        try:
            return float(self.wanted)
        except ValueError as error:
            what = f"'{self.wanted}' is no number, and those of {self.column} are"
            raise SkelbenchError(
                what, where=f"--where '{self}'", remedy=f"As in '{self.column}<0.1'"
            ) from error

    def __str__(self) -> str:
        return f"{self.column}{self.sign}{self.wanted}"


@dataclass(frozen=True)
class Wish:
    """What a reader asks for; nothing asked for, tables are shown as they are.

    Attributes:
        columns: The columns to show, by name; none: a reader's choice.
        sort: Columns to sort by, the best first.
        where: Conditions that all have to hold.
        pareto: Columns in which no other row may surpass a row without losing in another of them.
    """

    columns: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    pareto: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.columns or self.sort or self.where or self.pareto)


@dataclass(frozen=True)
class View:
    """A table as it is shown.

    Attributes:
        table: The table.
        rows: The rows shown, in their order.
        columns: The columns shown.
        constant: Columns that are the same in all rows -> what they are; they stand in the caption.
        further: Columns with something in them that are not shown.
        asked: What the reader asked for.
    """

    table: Table
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    constant: dict[str, str] = field(default_factory=dict)
    further: tuple[str, ...] = ()
    asked: Wish = field(default_factory=Wish)

    @property
    def caption(self) -> str:
        """What all rows have in common, and which of the table's rows they are."""
        parts = [self.table.caption]
        if self.constant:
            parts.append(", ".join(f"{label(name)} {cell}" for name, cell in self.constant.items()))
        if len(self.rows) < len(self.table.rows):
            front = [f"Pareto front of {', '.join(self.asked.pareto)}"] if self.asked.pareto else []
            said = ", ".join([*map(str, self.asked.where), *front])
            parts.append(f"{len(self.rows)} of {len(self.table.rows)} rows: {said}")
        return "; ".join(parts)

    @property
    def metric_in_one(self) -> bool:
        """Whether the interval stands in the column of the metric."""
        return not self.asked.columns


def read_wish(columns: str | None, sort: str | None, where: Iterable[str], pareto: str | None) -> Wish:
    """What the options of the command line ask for.

    Raises:
        SkelbenchError: A condition cannot be read.
    """
    return Wish(_listed(columns), _listed(sort), tuple(map(_condition, where)), _listed(pareto))


def view_tables(tables: Sequence[Table], wish: Wish) -> list[View]:
    """The tables as they are shown; those are left out that conditions leave empty, unless all are.

    Raises:
        SkelbenchError: No table has a column that is asked for, or a condition makes no sense.
    """
    _refuse_unknown(tables, wish)
    views = [view_table(table, wish) for table in tables]
    return [view for view in views if view.rows] or views[:1]


def view_table(table: Table, wish: Wish | None = None) -> View:
    """One table as it is shown."""
    wish = wish or Wish()
    rows = [row for row in table.rows if all(condition.holds(row) for condition in wish.where)]
    if wish.pareto:
        rows = pareto_front(rows, wish.pareto)
    for name in reversed(wish.sort):
        rows = _sorted(rows, name)
    if wish.columns:
        return View(table, tuple(rows), wish.columns, asked=wish)
    return replace(_readers_view(table, rows), asked=wish)


def pareto_front(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """The rows that no other surpasses in some columns without losing in another; blanks are left out."""
    known = [(row, _goodness(row, names)) for row in rows]
    listed = [(row, good) for row, good in known if good is not None]
    kept: list[tuple[Row, tuple[float, ...]]] = []
    for row, good in sorted(listed, key=lambda pair: pair[1], reverse=True):
        # whoever surpasses a row comes before it, and so does somebody of the front who surpasses it
        if not any(_surpasses(other, good) for _, other in kept):
            kept.append((row, good))
    chosen = {id(row) for row, _ in kept}
    return [row for row in rows if id(row) in chosen]


def _surpasses(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def _goodness(row: Row, names: Sequence[str]) -> tuple[float, ...] | None:
    found = []
    for name in names:
        cell = value(name, row.get(name))
        if cell is None:
            return None
        if isinstance(cell, str):
            what = f"the column '{name}' holds text, which is neither better nor worse"
            raise SkelbenchError(
                what, where="--pareto", remedy="Name columns of numbers: --pareto gmacs,top1"
            )
        found.append(-cell if better_low(name) else float(cell))
    return tuple(found)


def _sorted(rows: list[Row], name: str) -> list[Row]:
    """Rows with the best first, blanks last, else in the order in which they were."""
    known = [row for row in rows if row.get(name) is not None]
    blank = [row for row in rows if row.get(name) is None]

    def key(row: Row) -> tuple[int, Any]:
        found = value(name, row[name])
        return (1, found.casefold()) if isinstance(found, str) else (0, found)

    return sorted(known, key=key, reverse=not better_low(name)) + blank


def _readers_view(table: Table, rows: list[Row]) -> View:
    metric, interval, _ = metric_columns(table.metric)
    numbers = ("params_m", "gmacs", *(["latency_ms"] if _everywhere(rows, "latency_ms") else []), "pareto")
    wanted = ["rank", "name", "space", "strategy", "stream", metric, interval, *numbers]
    wanted += [name for name in table.extra if name not in metric_columns(metric)]
    wanted += [*([AS_REPORTED, "views"] if table.key.source == "reported" else []), "source"]
    said = ("dataset", "protocol", *(["source"] if table.key.source == "measured" else []))
    given = [n for n in names_of(table) if n not in said and any(row[n] is not None for row in rows)]
    constant = {}
    for name in _TOLD:
        cells = {row[name] for row in rows}
        if name in given and len(cells) == 1 and len(rows) > 1:
            constant[name] = str(cells.pop())
    shown = [n for n in dict.fromkeys(wanted) if n in given and n not in constant]
    further = [n for n in given if n not in shown and n not in constant]
    return View(table, tuple(rows), tuple(shown), constant, tuple(further))


def _everywhere(rows: Iterable[Row], name: str) -> bool:
    return all(row[name] is not None for row in rows)


def _refuse_unknown(tables: Sequence[Table], wish: Wish) -> None:
    known = dict.fromkeys(name for table in tables for name in names_of(table))
    given = {"--columns": wish.columns, "--sort": wish.sort, "--pareto": wish.pareto}
    given["--where"] = tuple(condition.column for condition in wish.where)
    for option, names in given.items():
        for name in names:
            if name not in known and tables:
                remedy = did_you_mean(name, known)
                raise SkelbenchError(f"there is no column '{name}'", where=option, remedy=remedy)


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _condition(text: str) -> Condition:
    found = _CONDITION.fullmatch(text)
    if not found:
        raise SkelbenchError(f"'{text}' is no condition", where="--where", remedy="As in 'gmacs<0.1'")
    return Condition(found[1], found[2].replace("==", "="), found[3])
