"""The engine that a command line asks for in the place of the spec's own."""

from __future__ import annotations

from typing import Any

from skelbench.engine.workers.work import Workers
from skelbench.errors import SpecError
from skelbench.host.registry import Registry
from skelbench.spec.params import validated_params
from skelbench.spec.search_schema import ComponentSpec
from skelbench.spec.yaml import Marks

SEQUENTIAL, LOCAL, RAY = "sequential", "local", "ray"


def engine_given(
    workers: int | str | None, ray: str | None, engine: ComponentSpec
) -> tuple[str, dict[str, Any], str] | None:
    """Name and parameters of the engine that the command line asks for, and the option that does so.

    It is None where no option does.

    Args:
        workers: ``--workers``.
        ray: ``--ray``.
        engine: The spec's own engine, whose other parameters stay as they are.
    """
    if workers is None and ray is None:
        return None
    name = RAY if ray is not None else LOCAL if engine.name == SEQUENTIAL else engine.name
    params = dict(engine.params) if engine.name == name else {}
    if ray is not None:
        params["address"] = ray
    if workers is None:
        return name, params, "--ray"
    return name, {**params, "workers": workers_given(workers)}, "--workers"


def workers_given(text: int | str | None) -> int | str | None:
    """A number of workers as the command line has it; whether it is one is found out later."""
    return int(text) if isinstance(text, str) and text.lstrip("-").isdigit() else text


def open_workers(workers: int | str | None, ray: str | None, registry: Registry) -> Workers:
    """Workers as the command line asks for.

    Raises:
        SpecError: There can be no such number of them.
    """
    given = engine_given(workers, ray, ComponentSpec(name=SEQUENTIAL))
    if given is None:
        raise TypeError("neither a number of workers nor Ray is given")
    name, wanted, option = given
    component = registry.get("engine", name)
    params, problems = validated_params(component, wanted, Marks({(): option}), ())
    if problems:
        raise SpecError.of(problems)
    made: Workers = component.make(**params)
    return made
