"""The base of everything that a record is made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from skelbench.errors import is_name, printable

MOST = 2**53
"""Numbers up to here are exact in JSON, spreadsheets and floating point."""
NonNegative = Annotated[int, Field(ge=0, le=MOST)]
Positive = Annotated[int, Field(gt=0, le=MOST)]


def _name(text: str) -> str:
    if text and not is_name(text):
        raise ValueError(f"is no name: {text[:40]!r}; take letters, digits, '.', '_', '+' and '-'")
    return text


Name = Annotated[str, AfterValidator(_name)]
"""What may become the name of a file, a cell of a table or a line on a terminal; or nothing."""


class Part(BaseModel):
    """Base of a record and its parts: known fields, frozen, finite numbers, no control characters."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _printable(cls, data: Any) -> Any:
        return _cleaned(data) if isinstance(data, dict) else data


def _cleaned(data: Any) -> Any:
    """The data with all its texts printable; a traceback keeps its lines."""
    if isinstance(data, str):
        return printable(data)
    if isinstance(data, dict):
        return {_cleaned(key): _cleaned(value) for key, value in data.items()}
    return [_cleaned(value) for value in data] if isinstance(data, list) else data
