"""A picture of a diagnosis: what a search believed of architectures against what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skelbench.figures.page import COLOURS, page
from skelbench.results.diagnosis import Diagnosis


def diagnosis_picture(found: Diagnosis, path: Path) -> None:
    """A point for each architecture: fitness across, top-1 by itself upwards, its seeds as a bar.

    Args:
        found: The diagnosis.
        path: The file; its ending says of which form.
    """
    low, high = found.interval()
    with page(path, 5, 4) as figure:
        axes = figure.subplots()
        fitness = [one.fitness for one in found.judged]
        means = np.array([np.mean(one.figures) for one in found.judged])
        reach = [
            [float(np.mean(one.figures) - min(one.figures)) for one in found.judged],
            [float(max(one.figures) - np.mean(one.figures)) for one in found.judged],
        ]
        axes.errorbar(fitness, means, yerr=reach, fmt="o", ms=4, lw=1, color=COLOURS[0])
        axes.set_xlabel(f"fitness: {found.fitness}")
        axes.set_ylabel(f"{found.truth} (%)")
        axes.set_title(f"{found.run}\nKendall's tau {found.tau:.2f} [{low:.2f}, {high:.2f}]")
        axes.grid(alpha=0.3)
