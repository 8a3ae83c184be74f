"""The command `skelbench new-plugin`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skelbench.host.new_plugin import KINDS, write_plugin
from skelbench.host.registry import load_registry


def new_plugin(
    name: Annotated[str, typer.Argument(help="Name of the package, such as `my-plugin`.")],
    kind: Annotated[str, typer.Option(help=f"What it begins with: {', '.join(KINDS)}.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the package's folder is made.")
    ] = Path("."),
) -> None:
    """Write a package with one component that works, its test and a spec that uses it.

    Example: `skelbench new-plugin my-plugin --kind operator`
    """
    taken = [plugin.name for plugin in load_registry().plugins]
    made = write_plugin(name, kind, output, taken)
    print(f"wrote {made}: install it with `pip install -e {made}`, and go on in {made / 'README.md'}")
