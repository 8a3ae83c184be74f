"""The commands ``skelbench runs`` and ``skelbench show``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from skelbench.cli.options import Json
from skelbench.cli.table import print_table

if TYPE_CHECKING:
    from skelbench.results.status import RunStatus


class _Runs(TyperGroup):
    """Takes ``runs`` and ``runs DIR`` for ``runs list``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the command that was left out."""
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["list", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_Runs, help="Runs of a folder: list them, remove leftovers. Example: skelbench runs")
_HARDEST = 5


@app.command("list")
def list_runs(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A folder of runs.")] = Path("runs"),
    json_output: Json = False,
) -> None:
    """Every run of a folder: its state, how far it is, when it last wrote, and what came out.

    Example: `skelbench runs list`, or `skelbench runs` for short
    """
    from skelbench.results.status import run_statuses

    found = run_statuses(folder)
    if json_output:
        typer.echo(json.dumps([status.as_data() for status in found], indent=2))
        return
    rows = [
        {
            "run": status.run,
            "state": status.state,
            "progress": status.progress,
            "age": status.age,
            "result": status.headline,
        }
        for status in found
    ]
    print_table(rows, ["run", "state", "progress", "age", "result"])


@app.command()
def clean(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A folder of runs.")] = Path("runs"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    earlier: Annotated[
        bool,
        typer.Option("--earlier", help="Also the runs that --no-resume has set aside, with their results."),
    ] = False,
) -> None:
    """Remove what killed processes left, and stores that can be made again; lists it and asks first.

    Example: `skelbench runs clean`
    """
    from skelbench.results import leftovers

    found = list(leftovers.leftovers_of_runs(folder))
    aside = leftovers.earlier_runs(folder)
    found += [(path, "an earlier run, set aside") for path in aside] if earlier else []
    if aside and not earlier:
        typer.echo(f"{len(aside)} earlier runs are kept; --earlier removes them", err=True)
    if not found:
        typer.echo("nothing is left over")
        return
    for path, what in found:
        typer.echo(f"{leftovers.size(path) / 2**20:,.1f} MiB  {path}  ({what})")
    if not yes:
        typer.confirm(f"Remove these {len(found)}?", abort=True)
    kept = [path for path, _ in found if not leftovers.removed(path)]
    typer.echo(f"removed {len(found) - len(kept)}")
    if kept:
        typer.echo(f"kept, as a process works on them: {', '.join(map(str, kept))}", err=True)


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, finished or not.")],
    json_output: Json = False,
) -> None:
    """One run: what it found, how good that is, and what can be done next.

    Example: `skelbench show runs/sgcn-1a2b3c4d-0`
    """
    from skelbench.results.status import run_status

    status = run_status(run)
    choices = _choices(status)
    classes = _classes(status)
    following = _following(status)
    if json_output:
        said = status.as_data() | {"choices": choices, "hardest_classes": classes, "next": following}
        if status.record is not None:
            said["record"] = status.record.model_dump(mode="json")
        typer.echo(json.dumps(said, indent=2))
        return
    for title, lines in (
        ("", _facts(status)),
        ("architecture", _drawn(choices)),
        ("hardest classes", [_class_line(one) for one in classes]),
        ("next", [f"{command}    # {why}" for command, why in following]),
    ):
        if lines:
            typer.echo("\n".join([*(["", title] if title else []), *(f"  {line}" for line in lines)]))


def _facts(status: RunStatus) -> list[str]:
    from skelbench.leaderboard.row import SHARES
    from skelbench.leaderboard.uncertainty import accuracy_interval

    record = status.record
    facts = {"run": status.run, "state": f"{status.state}, {status.progress}, last written {status.age} ago"}
    if status.problem:
        facts["problem"] = status.problem
    if record is not None:
        strategy = f", by {record.strategy.name}" if record.strategy else ""
        facts["model"] = f"{record.model} of {record.space}{strategy}"
        synthetic = " (synthetic)" if record.synthetic else ""
        facts["data"] = f"{record.dataset}{synthetic}, {record.protocol}, {record.stream}, seed {record.seed}"
        if record.left_out:
            facts["left out"] = "; ".join(record.left_out)
        for name, value in record.metrics.items():
            interval = accuracy_interval([value], record.clips.test) if name in SHARES else None
            facts[name] = f"{value:.2f} %{f' (95 %: {interval})' if interval else ''}"
        if record.params is not None:
            facts["parameters"] = f"{record.params:,}"
        if record.macs is not None:
            facts["MACs"] = f"{record.macs:,} of a clip ({record.macs / 1e9:.3g} GMACs)"
        if record.latency is not None:
            facts["latency"] = f"{record.latency.ms:.2f} ms on {record.latency.device}"
        if record.search is not None:
            facts["search"] = f"{record.search.trials} candidates in {record.search.seconds / 60:.1f} min"
        if record.health is not None and record.health.problem:
            facts["no signal"] = record.health.problem
        if record.adaptive is not None:
            facts["frames"] = ", ".join(
                f"{share:.0%} {name}" for name, share in record.adaptive.shares.items()
            )
    width = max(map(len, facts))
    return [f"{name:<{width}}  {' '.join(str(text).split())}" for name, text in facts.items()]


def _choices(status: RunStatus) -> dict[str, Any]:
    """The decisions by the record, else by the architecture's file, none where there is neither."""
    if status.record is not None and status.record.choices:
        return dict(status.record.choices)
    from skelbench.results.store import ARCHITECTURE, RunFolder

    if not (status.path / ARCHITECTURE).exists():
        return {}
    import yaml

    from skelbench.errors import RunFolderError

    try:
        found = yaml.safe_load(RunFolder(status.path).read_text(ARCHITECTURE))
        return dict(found.get("choices") or {})
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        remedy = "Run again, or restore the file"
        raise RunFolderError(
            "the architecture is damaged", where=status.path / ARCHITECTURE, remedy=remedy
        ) from error


def _drawn(choices: dict[str, Any]) -> list[str]:
    from skelbench.figures.architecture import parts_of, text_of

    return [line for part in parts_of(choices) for line in text_of(part)]


def _classes(status: RunStatus) -> list[dict[str, Any]]:
    """The classes that were recognised worst, where there are scores."""
    from skelbench.results.store import SCORES, read_scores

    if status.record is None or not (status.path / SCORES).exists():
        return []
    from skelbench.results.confusion import Confusion

    found = Confusion.of(read_scores(status.path / SCORES))
    accuracies = found.accuracies
    return [
        {"class": label, "accuracy": accuracies[label], "taken_for": found.taken_for(label)}
        for label in found.hardest(_HARDEST)
        if accuracies[label] != 100
    ]


def _class_line(one: dict[str, Any]) -> str:
    return f"{one['class']:>3}  {one['accuracy']:5.1f} % right, most often taken for {one['taken_for']}"


def _following(status: RunStatus) -> list[tuple[str, str]]:
    """Commands that make sense now, each with what it does."""
    path = status.path
    if status.state == "running":
        return [("skelbench runs", "see how far it is")]
    if status.state == "finished" and status.record is not None:
        found = [
            (
                f"skelbench leaderboard --dataset {status.record.dataset} --runs {path.parent}",
                "see it among others",
            ),
            (f"skelbench compare {path} OTHER", "is it better than another row or run?"),
            (f"skelbench plot {path.parent} -o curve.svg", "accuracy against GMACs of all runs beside it"),
        ]
        if status.record.adaptive is not None:
            found.append((f"skelbench frames {path}", "which model each frame of a clip took"))
        if not status.record.fusion:
            found.append((f"skelbench evaluate {path} --views 5", "score it with more views"))
        return found
    if status.state == "damaged":
        return []
    return [("the command that began it", "goes on where it stopped")]
