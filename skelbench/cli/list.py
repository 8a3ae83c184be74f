"""The command `skelbench list`: components, or all about one of them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skelbench.cli.options import Json
from skelbench.cli.skeleton import drawn, facts
from skelbench.cli.table import print_table
from skelbench.components import KINDS, Component, Dataset, Layout, Operator, Strategy
from skelbench.errors import PluginError, did_you_mean
from skelbench.host.registry import Entry, Registry, load_registry

if TYPE_CHECKING:
    from skelbench.cli.cards import Card

_WIDTH, _MARGIN = 100, " " * 6


def list_components(
    kind: Annotated[str | None, typer.Argument(help=f"One of: {', '.join(KINDS)}.")] = None,
    name: Annotated[str | None, typer.Argument(help="One of that kind, explained.")] = None,
    json_output: Json = False,
) -> None:
    """Everything that a spec can name, with its parameters and the plugin it comes from.

    With a kind and a name: one component with its contract, its parameters and a spec that uses it.

    Example: `skelbench list graph_module cheb.l2`
    """
    registry = load_registry()
    kinds = _kinds(kind)
    if name is not None:
        _show_one(registry, kinds[0], name, json_output)
        return
    rows = {k: [_row(entry) for entry in registry.entries(k)] for k in kinds}
    if json_output:
        print(json.dumps([row for some in rows.values() for row in some], indent=2))
        return
    columns = ["name", "summary", "detail", "params", "origin"]
    if sys.stdout.isatty():
        for title, some in rows.items():
            if some:
                print_table(some, columns, title=title)
    else:
        print_table([row for some in rows.values() for row in some], ["kind", *columns])


def _kinds(kind: str | None) -> list[str]:
    if kind is None:
        return list(KINDS)
    name = kind.replace("-", "_")
    for known in KINDS:
        if name in (known, f"{known}s", known.removesuffix("y") + "ies"):
            return [known]
    raise PluginError(f"there is no kind '{kind}'", remedy=did_you_mean(name, KINDS))


def _row(entry: Entry) -> dict[str, Any]:
    component = entry.component
    return {
        "kind": component.kind,
        "name": component.name,
        "summary": component.summary,
        "detail": _detail(component),
        "params": _params(component),
        "plugin": entry.plugin,
        "origin": entry.origin,
    }


def _detail(component: Component) -> str:
    """What one must know of a component to use it, besides its parameters."""
    match component:
        case Operator():
            return ", ".join((component.contract, *component.also))
        case Dataset():
            video = f"videos of {component.channels} channels"
            form = video if component.modality == "video" else component.layout
            return f"{', '.join(component.protocols)}; {component.classes} classes; {form}"
        case Strategy():
            ways = component.searches.items()
            return "; ".join(f"{way}: {', '.join(sorted(kinds))}" for way, kinds in ways)
        case Layout():
            return f"{len(component.joints)} joints"
    return ""


def _params(component: Component) -> str:
    fields = component.params.model_fields.items()
    return ", ".join(
        name if field.is_required() else f"{name}={_shown(field.get_default(call_default_factory=True))}"
        for name, field in fields
    )


def _shown(value: Any) -> str:
    """A value as a spec would have it."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _show_one(registry: Registry, kind: str, name: str, json_output: bool) -> None:
    from skelbench.cli.cards import make_card  # the list itself does without checking specs

    card, component = make_card(registry.entry(kind, name), registry), registry.get(kind, name)
    skeleton = component if isinstance(component, Layout) else None
    if json_output:
        own = facts(skeleton) if skeleton else {}
        print(json.dumps(asdict(card) | own, indent=2, default=str))
    else:
        print(_text(card, _detail(component), drawn(skeleton) if skeleton else []))


def _text(card: Card, detail: str, drawing: list[str]) -> str:
    lines = [f"{card.kind} {card.name}", card.summary, f"From {card.origin} (plugin {card.plugin})", ""]
    lines += [card.contract, *([detail] if card.kind in ("dataset", "layout", "strategy") else ()), ""]
    lines += [*drawing, ""] if drawing else []
    lines += ["Parameters" if card.parameters else "It takes no parameters."]
    for parameter in card.parameters:
        default = "required" if parameter.required else f"default {_shown(parameter.default)}"
        lines.append(f"  {parameter.name}: {parameter.type}, {default}")
        lines += wrap(parameter.doc, _WIDTH, initial_indent=_MARGIN, subsequent_indent=_MARGIN)
    return "\n".join([*lines, "", card.note, *card.example.splitlines()])
