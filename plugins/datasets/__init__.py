"""The data sets that come with skelbench; their readers are imported only when data is read."""

from __future__ import annotations

from collections.abc import Iterable

from skelbench import hookimpl
from skelbench.components import Dataset

UCLA = Dataset(
    name="ucla",
    summary="Northwestern-UCLA Multiview Action 3D: 10 actions, 20 joints, three views",
    target="skelbench_plugins.datasets.ucla:UclaReader",
    layout="ucla20",
    classes=10,
    protocols=("xview",),
    forms=("folder all_sqe of aAA_sSS_eEE_vVV.json",),
)

DATASETS: tuple[Dataset, ...] = (UCLA,)


@hookimpl
def register_datasets() -> Iterable[Dataset]:
    """Every data set of this package."""
    return DATASETS
