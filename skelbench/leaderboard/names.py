"""What tables call models: names that a reader understands who has never seen the spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from skelbench.errors import Problem, RunFolderError, fault_in_words
from skelbench.results.files import disk
from skelbench.results.record import Record

NAMES = "names.yaml"
SEARCHED = "searched"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    models: dict[str, str] = {}
    spaces: dict[str, dict[str, str]] = {}
    strategies: dict[str, str] = {}


@dataclass(frozen=True)
class Names:
    """Names for readers; what has none keeps the one in its spec.

    Attributes:
        models: Name of an architecture -> what it is called, whatever the space.
        spaces: Name of a space -> the same for its own architectures, which go first.
        strategies: Name of a strategy -> what it is called.
    """

    models: Mapping[str, str] = field(default_factory=dict)
    spaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    strategies: Mapping[str, str] = field(default_factory=dict)

    def of(self, record: Record) -> str:
        """What the model of a record is called."""
        if record.model == SEARCHED:
            strategy = record.strategy.name if record.strategy else "search"
            return f"found by {self.strategies.get(strategy, strategy)}"
        return self.of_model(record.model, record.space)

    def of_model(self, model: str, space: str = "") -> str:
        """What an architecture is called; what stands behind it in brackets stays."""
        known = self.spaces.get(space, {}).get(model) or self.models.get(model)
        if known:
            return known
        base, bracket, rest = model.partition(" (")
        return self.models.get(base, base) + bracket + rest


def read_names(path: Path) -> Names:
    """The names in a file, none where there is no such file.

    Raises:
        RunFolderError: It cannot be read, or is no table of names.
    """
    if not path.exists():
        return Names()
    with disk(path, "read the names"):
        text = path.read_text(encoding="utf-8")
    try:
        found = _File.model_validate(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise RunFolderError("the file is not YAML", where=path, remedy="Mend the file") from error
    except ValidationError as error:
        raise RunFolderError.of(
            [
                Problem(f"{'.'.join(map(str, fault['loc']))}: {fault_in_words(fault)}", str(path))
                for fault in error.errors(include_url=False)
            ]
        ) from error
    return Names(found.models, found.spaces, found.strategies)
