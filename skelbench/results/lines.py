"""The form of the lines in a run's journals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from skelbench.results.answers import ClipAnswers
from skelbench.results.part import MOST

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Line(BaseModel):
    model_config = ConfigDict(strict=True)

    kind: Literal["trial", "generation", "epoch"]
    generation: Annotated[int, Field(ge=0, le=MOST)]
    number: Annotated[int, Field(ge=-1, le=MOST)]


class _Trial(_Line):
    fitness: float | None
    kept: bool
    known: bool
    seconds: Seconds
    error: str = ""
    traceback: str = ""


class _Epoch(_Line):
    epoch: Annotated[int, Field(ge=1, le=MOST)]
    seconds: Seconds


_FORMS: dict[str, TypeAdapter[Any]] = {
    "trial": TypeAdapter(_Trial),
    "generation": TypeAdapter(_Line),
    "epoch": TypeAdapter(_Epoch),
}


def check_line(line: dict[str, Any]) -> None:
    """See that a line of the trials can be used.

    Raises:
        Exception: It cannot.
    """
    _FORMS[line["kind"]].validate_python(line)
    if line["kind"] == "trial" and line["fitness"] is None and not line.get("error"):
        raise ValueError("a failed trial says why")


def check_answers(line: dict[str, Any]) -> None:
    """See that a line of the answers can be used.

    Raises:
        Exception: It cannot.
    """
    if not (isinstance(line["generation"], int) and isinstance(line["number"], int)):
        raise TypeError("an answer belongs to a trial")
    ClipAnswers.of_line(line)
