"""The command `skelbench sample`; what is heavy is imported by its function."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from skelbench.cli.options import Json, Sets


def sample(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A spec file, or the name of a shipped spec.")],
    count: Annotated[int, typer.Option("--n", min=1, help="How many architectures.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same architectures.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a file each into this folder instead.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="A profile of the spec.")] = None,
    sets: Sets = [],  # noqa: B006 - typer reads the default, nothing changes it
    json_output: Json = False,
) -> None:
    """Random architectures of a space, each decision drawn evenly, as files that `train --arch` takes.

    Example: `skelbench sample sgcn --n 5 -o drawn`
    """
    from skelbench.check.spec import check_spec
    from skelbench.host.registry import load_registry
    from skelbench.results.files import write_atomic
    from skelbench.space.sample import random_architectures
    from skelbench.spec.resolve import load_spec

    checked = check_spec(load_spec(spec, profile=profile, sets=sets), load_registry())
    drawn = random_architectures(checked, count, seed)
    if json_output:
        print(
            json.dumps([{"name": one.name, "choices": one.choices} for one in drawn], indent=2, default=str)
        )
    elif output is None:
        print("---\n".join(one.to_yaml() for one in drawn), end="")
    else:
        for one in drawn:
            write_atomic(output / f"{one.name}.yaml", one.to_yaml())
            print(output / f"{one.name}.yaml")
