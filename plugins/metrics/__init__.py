"""The accuracies that come with skelbench."""

from __future__ import annotations

from collections.abc import Iterable

from skelbench import hookimpl
from skelbench.components import Metric

METRICS: tuple[Metric, ...] = (
    Metric(
        name="top1",
        summary="Share of recordings whose class scores highest, percent",
        target="skelbench_plugins.metrics.accuracy:top1",
    ),
    Metric(
        name="top5",
        summary="Share of recordings whose class is among the five that score highest, percent",
        target="skelbench_plugins.metrics.accuracy:top5",
    ),
    Metric(
        name="mean_class",
        summary="Mean over classes of each class's top-1 accuracy, percent",
        target="skelbench_plugins.metrics.accuracy:mean_class",
    ),
)


@hookimpl
def register_metrics() -> Iterable[Metric]:
    """Every metric of this package."""
    return METRICS
