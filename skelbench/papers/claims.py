"""Claims of a paper as they stand in ``claims/<system>.yaml`` beside the leaderboards."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from skelbench.errors import Problem, RunFolderError, SkelbenchError, did_you_mean, fault_in_words
from skelbench.results.files import disk
from skelbench.spec.yaml import load_yaml


def _number(text: str) -> str:
    try:
        known = Decimal(text).is_finite()
    except InvalidOperation:
        known = False
    if not known:
        raise ValueError("is no number")
    return text


Digits = Annotated[str, AfterValidator(_number)]
"""A number with the digits that are printed, in quotes: ``"0.160"``."""


class Claim(BaseModel):
    """One number of a paper.

    Attributes:
        what: What it is of.
        place: Table, figure or page.
        says: The number as printed.
        unit: Its unit and convention.
        compute: One quantity (see `skelbench.papers.quantities`) -> its arguments.
        ours: What we compute instead, where it differs.
        because: Why it differs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    what: str
    place: str
    says: Digits
    unit: str = ""
    compute: Annotated[dict[str, dict[str, Any]], Field(min_length=1, max_length=1)]
    ours: Digits | None = None
    because: str = ""

    @model_validator(mode="after")
    def _explained(self) -> Claim:
        if (self.ours is None) != (not self.because):
            raise ValueError("'ours' and 'because' go together")
        return self


class Paper(BaseModel):
    """The claims of a paper.

    Attributes:
        publication: Authors, venue and year.
        claims: Its numbers.
        unchecked: Numbers that cannot be computed without what is not available, and why.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    publication: str
    claims: tuple[Claim, ...]
    unchecked: tuple[str, ...] = ()


def systems(folder: Path) -> list[str]:
    """The systems that have claims under ``folder``."""
    return sorted(path.stem for path in (folder / "claims").glob("*.yaml"))


def read_paper(folder: Path, system: str) -> Paper:
    """The claims of a system's paper.

    Raises:
        SkelbenchError: There is no such system.
        RunFolderError: The file is faulty.
    """
    if system not in systems(folder):
        remedy = did_you_mean(system, systems(folder))
        raise SkelbenchError(f"there are no claims of '{system}'", remedy=remedy)
    path = folder / "claims" / f"{system}.yaml"
    with disk(path, "read the claims"):
        text = path.read_text(encoding="utf-8")
    data, marks = load_yaml(text, str(path))
    try:
        return Paper.model_validate(data)
    except ValidationError as error:
        raise RunFolderError.of(
            Problem(fault_in_words(fault), marks.at(tuple(fault["loc"]))) for fault in error.errors()
        ) from error
