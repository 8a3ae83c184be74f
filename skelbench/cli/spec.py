"""The commands `skelbench check` and `skelbench schema`; what is heavy is imported by its function."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skelbench.cli.options import Json
from skelbench.components import KINDS
from skelbench.errors import DataError, Problem, SpecError
from skelbench.host.registry import Registry, load_registry

if TYPE_CHECKING:
    from skelbench.check.checked import Checked
    from skelbench.space.arch import NamedArchitecture


def check(
    specs: Annotated[
        list[str], typer.Argument(metavar="SPEC...", help="Spec files, or names of shipped specs.")
    ],
    profile: Annotated[str | None, typer.Option(help="A profile of the spec.")] = None,
    sets: Annotated[list[str], typer.Option("--set", help="Change one key: `--set train.epochs=30`.")] = [],  # noqa: B006
    data: Annotated[
        Path | None, typer.Option(help="Recordings, or a file that describes them: read and checked, too.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Every problem of specs at once: place, what is wrong, and what to do about it.

    Without --profile all profiles of a spec are checked too. With --data the recordings are read as a run
    would read them.

    Example: `skelbench check sgcn my-space.yaml --profile quick`
    """
    registry = load_registry()
    rows = [_checked(spec, profile, sets, registry, data) for spec in specs]
    problems = [problem for row in rows for problem in row["problems"]]
    if json_output:
        told = ("problems", "warnings")
        shown = [{**row, **{key: [vars(problem) for problem in row[key]] for key in told}} for row in rows]
        print(json.dumps(shown, indent=2))
        if problems:
            raise typer.Exit(SpecError.exit_code)
        return
    for row in rows:
        if not row["problems"]:
            print(f"{row['spec']}: ok, {_counted(row)}, hash {row['hash'][:8]}")
            print("".join(f"  {line}\n" for line in row["recordings"]), end="")
        for note in row["notes"]:
            print(f"note: {note}", file=sys.stderr)
        for warning in row["warnings"]:
            print(f"warning: {warning}", file=sys.stderr)
    if problems:
        raise SpecError.of(problems)


def _checked(
    spec: str, profile: str | None, sets: list[str], registry: Registry, data: Path | None
) -> dict[str, Any]:
    """A row for one spec; without a profile given, all its profiles are checked as well."""
    from skelbench.check.build import check_networks
    from skelbench.check.fit import fit_to_data, sets_dataset
    from skelbench.check.network import refuse_misfits
    from skelbench.check.reach import distinct_size
    from skelbench.check.remarks import foreign_genotypes, remarks
    from skelbench.check.spec import check_spec
    from skelbench.spec.data_file import is_data_file
    from skelbench.spec.resolve import load_spec

    row: dict[str, Any] = {"spec": spec, "hash": None, "space_size": None, "distinct_size": None}
    row |= {"architectures": [], "warnings": [], "notes": [], "recordings": []}
    problems: tuple[Problem, ...] = ()
    try:
        described = data if is_data_file(data) else None
        resolved = load_spec(spec, profile=profile, sets=sets, data=described)
        resolved = fit_to_data(resolved, registry) if described or sets_dataset(sets) else resolved
        row["notes"] = list(resolved.notes)
        checked = check_spec(resolved, registry)
        refuse_misfits(checked)
        _can_search(checked)
        check_networks(checked)
        row |= {"hash": resolved.hash, "space_size": checked.space.size()}
        row["architectures"] = list(checked.architectures)
        unfit = [one for named in checked.architectures.values() for one in _unfit(checked, named)]
        row |= {"distinct_size": distinct_size(checked)}
        row["warnings"] = [*remarks(checked), *foreign_genotypes(checked), *unfit]
        for name in resolved.profiles if profile is None and data is None else ():
            _can_search(check_spec(load_spec(spec, profile=name, sets=sets), registry))
        if data is not None:
            row["recordings"] = _recordings(checked, data if described is None else None)
    except (SpecError, DataError) as error:
        problems = error.problems
    return {**row, "problems": problems}


def _can_search(checked: Checked) -> None:
    """Refuse an engine or a strategy that could not begin; a spec may also have nothing to search."""
    from skelbench.check.engine import check_engine
    from skelbench.check.strategy import check_strategy

    check_engine(checked)
    if checked.space.points:
        check_strategy(checked)


def _unfit(checked: Checked, named: NamedArchitecture) -> list[Problem]:
    """Why a named architecture cannot be trained on the clips; others of the spec may."""
    from skelbench.check.build import check_architecture_network
    from skelbench.check.spec import architecture_problems

    if found := architecture_problems(checked, named):
        return found
    try:
        check_architecture_network(checked, named)
    except SpecError as error:
        told = f"architecture '{named.name}': "
        return [Problem(told + problem.what, problem.where, problem.remedy) for problem in error.problems]
    return []


def _recordings(checked: Checked, root: Path | None) -> list[str]:
    """What a run would find in the recordings, by default where the spec says that they are."""
    from skelbench.engine.recordings import recording_facts

    return recording_facts(checked, root or Path(checked.spec.data.root or "."))


def _counted(row: dict[str, Any]) -> str:
    """How many architectures, and how many of them differ where options are the same."""
    size, distinct = row["space_size"], row["distinct_size"]
    alike = "" if distinct == size else f" ({distinct:,} of them different)"
    return f"{size:,} architectures{alike}"


def schema() -> None:
    """The JSON Schema of specs, with the names of installed components, for editors.

    Example: `skelbench schema > spec.schema.json`
    """
    from skelbench.spec.jsonschema import json_schema

    registry = load_registry()
    print(json.dumps(json_schema({kind: registry.names(kind) for kind in KINDS}), indent=2))
