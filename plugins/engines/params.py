"""Parameters of the built-in engines; imported for listing and checking, hence light."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from skelbench.components import Params

AUTO = "auto"
Count = Annotated[int, Field(gt=0)]


def _count_or_auto(given: int | str) -> int | str:
    if given != AUTO and (isinstance(given, str) or given < 1):
        raise ValueError(f"takes a number above 0, or '{AUTO}' (it is {given})")
    return given


CountOrAuto = Annotated[int | str, AfterValidator(_count_or_auto)]


class LocalParams(Params):
    """Worker processes on one machine.

    Attributes:
        workers: How many; ``auto``: one for each GPU, or for each core that the process may use.
        threads: Processor threads of each.
    """

    workers: CountOrAuto = AUTO
    threads: Count = 1


class RayParams(LocalParams):
    """Workers on Ray.

    Attributes:
        address: ``local`` starts a Ray on this machine for the search alone; else that of a cluster.
        workers: How many; ``auto``: as many as the resources of the cluster are enough for.
        gpus: GPUs of each, a share for several on one; None: one where the cluster has any.
        memory: GiB that are set apart for each; None: no account is taken of memory.
    """

    address: str = "local"
    gpus: Annotated[float, Field(ge=0)] | None = None
    memory: Annotated[float, Field(gt=0)] | None = None
