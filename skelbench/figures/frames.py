"""What an adaptive network chose for the frames of a clip: skeletons, the joints kept, the choices.

After Shi et al., ICCV 2021 (AdaSGN), figure 4: the joints that a model works on are mixtures of those
recorded, and stand where the mixture puts them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skelbench.components import Layout
from skelbench.figures.page import COLOURS, page

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_SKELETONS = 20
_NARROWEST, _WIDEST = 7.0, 12.0  # inches
_TALLEST = 4.0  # frames' widths
_BAR = 0.6
_TINY = 1e-6
_BONES, _SEVERAL = "#c8c8c8", "#555555"


@dataclass(frozen=True)
class ClipChoices:
    """A clip and the models that its frames took.

    Attributes:
        sample: The sample id.
        actual: Name of its class.
        predicted: Name of the class that the network gives it.
        gmacs: GMACs spent on the clip, None where unknown.
        options: Names of the K models.
        shares: Share of the frames of the whole test split that took each model, where known.
        gates: Weight of each model in each frame, (M, K, T), of the persons present.
        joints: Positions, (M, T, V, C).
        mixtures: Weights (V, V') of the joints that a model works on; a model without works on all V.
        layout: The skeleton.
    """

    sample: str
    actual: str
    predicted: str
    gmacs: float | None
    options: tuple[str, ...]
    shares: Mapping[str, float]
    gates: np.ndarray
    joints: np.ndarray
    mixtures: Mapping[str, np.ndarray]
    layout: Layout

    def chosen(self, person: int, frame: int) -> tuple[str, ...]:
        """The models that a frame took: one, or several that were fused."""
        taken = self.gates[person, :, frame] > 0
        return tuple(name for name, is_taken in zip(self.options, taken, strict=True) if is_taken)

    def share(self, option: str) -> float:
        """Share of the clip's frames that took a model."""
        return float((self.gates[:, self.options.index(option)] > 0).mean())

    def colour(self, taken: tuple[str, ...]) -> str:
        """The colour of a choice."""
        return COLOURS[self.options.index(taken[0]) % len(COLOURS)] if len(taken) == 1 else _SEVERAL


def frames(clip: ClipChoices, path: Path) -> None:
    """Draw a strip of skeletons for each person, and below it the choice of each frame.

    Args:
        clip: What was chosen.
        path: An SVG or a PNG.

    Raises:
        SkelbenchError: No picture can be drawn to ``path``.
    """
    persons, count = len(clip.joints), clip.joints.shape[1]
    strips = [_Strip(clip, person) for person in range(persons)]
    width = min(_WIDEST, max(_NARROWEST, 0.6 * count))
    labels = [_label(clip, option) for option in clip.options]
    rows = math.ceil(len(labels) * (0.5 + 0.065 * max(map(len, labels))) / width)
    height = sum(strip.height + _BAR + 0.7 for strip in strips) * width / count + 0.6 + 0.2 * rows
    with page(path, width + 0.4, height) as figure:
        from matplotlib.patches import Patch

        for number, strip in enumerate(strips, start=1):
            strip.draw(figure.add_subplot(persons, 1, number))
        figure.suptitle(heading(clip))
        handles = [Patch(color=clip.colour((o,)), label=x) for o, x in zip(clip.options, labels, strict=True)]
        columns = math.ceil(len(labels) / rows)
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)


def upright(joints: np.ndarray, layout: Layout) -> np.ndarray:
    """Flat views of bodies that stand upright, whatever axis the recordings have for up.

    Up is the axis in which hip and spine differ most, and across that one of the others in which the
    shoulders do: y and x, unless a pre-processing has turned the bodies.

    Args:
        joints: Positions, (..., V, C).
        layout: Names the joints of the torso.

    Returns:
        (..., V, 2), to the right and upwards.
    """
    if layout.torso is None:
        return np.stack([joints[..., 0], -joints[..., 1]], axis=-1)
    hip, spine, left, right = layout.torso
    flat = joints.reshape(-1, *joints.shape[-2:])
    rise = (flat[:, spine] - flat[:, hip]).mean(0)
    up = int(np.abs(rise).argmax())
    span = np.abs(flat[:, right] - flat[:, left]).mean(0)
    span[up] = -1
    sign = -1 if rise[up] < 0 else 1
    return np.stack([joints[..., int(span.argmax())], sign * joints[..., up]], axis=-1)


class _Strip:
    """One person: skeletons side by side, a frame's width apart."""

    def __init__(self, clip: ClipChoices, person: int) -> None:
        self.clip, self.person = clip, person
        self.bodies = upright(clip.joints[person], clip.layout)
        count = len(self.bodies)
        self.shown = [round(place) for place in np.linspace(0, count - 1, min(count, _MOST_SKELETONS))]
        self.kept = {frame: self._kept(frame) for frame in self.shown}
        outlines = [np.concatenate([self.bodies[frame], self.kept[frame]]) for frame in self.shown]
        low = np.array([outline.min(0) for outline in outlines])
        high = np.array([outline.max(0) for outline in outlines])
        self.middle = dict(zip(self.shown, (low + high)[:, 0] / 2, strict=True))
        self.floor = low[:, 1].min()
        self.room, rise = count / len(self.shown), max(high[:, 1].max() - self.floor, _TINY)
        widest = max((high - low)[:, 0].max(), _TINY)
        self.scale = self.room * min(0.9 / widest, _TALLEST / rise)
        self.height = float(rise * self.scale)

    def _kept(self, frame: int) -> np.ndarray:
        """The joints that the chosen model works on, (V', 2); those recorded where several are fused."""
        taken = self.clip.chosen(self.person, frame)
        mixture = self.clip.mixtures.get(taken[0]) if len(taken) == 1 else None
        return self.bodies[frame] if mixture is None else mixture.T @ self.bodies[frame]

    def draw(self, axes: Axes) -> None:
        """The skeletons above, the choice of every frame below."""
        for frame in self.shown:
            self._skeleton(axes, frame)
        count = len(self.bodies)
        for frame in range(count):
            self._choice(axes, frame)
        side = 0.1 + self.room / 2
        axes.set(
            xlim=(-side, count - 1 + side), ylim=(-0.3 - _BAR, self.height + 0.2), aspect="equal", yticks=[]
        )
        axes.set_xticks(self.shown)
        axes.tick_params(length=0, labelsize=7, colors="#666666")
        axes.spines[:].set_visible(False)
        if len(self.clip.joints) > 1:
            axes.set_ylabel(f"person {self.person}", color="#666666")

    def _skeleton(self, axes: Axes, frame: int) -> None:
        from matplotlib.collections import LineCollection

        body, kept = self._placed(self.bodies[frame], frame), self._placed(self.kept[frame], frame)
        bones = LineCollection([body[list(bone)] for bone in self.clip.layout.inward], colors=_BONES)
        axes.add_collection(bones)
        colour = self.clip.colour(self.clip.chosen(self.person, frame))
        size = max(4, 30 / len(kept) ** 0.5)
        axes.scatter(kept[:, 0], kept[:, 1], size, color=colour, zorder=3, linewidths=0)

    def _choice(self, axes: Axes, frame: int) -> None:
        taken = self.clip.chosen(self.person, frame)
        axes.bar(frame, _BAR, 0.94, bottom=-0.2 - _BAR, color=self.clip.colour(taken))
        name = taken[0] if len(taken) == 1 else "all" if len(taken) == len(self.clip.options) else "several"
        size = min(8.0, 100 * _WIDEST / len(self.bodies) / len(name))
        if size > 3:
            text = axes.text(frame, -0.2 - _BAR / 2, name, ha="center", va="center")
            text.set(color="white", fontsize=size)

    def _placed(self, points: np.ndarray, frame: int) -> np.ndarray:
        return (points - (self.middle[frame], self.floor)) * self.scale + (frame, 0)


def heading(clip: ClipChoices) -> str:
    """The clip, how it was classed, and what it cost."""
    verdict = f"taken for {clip.predicted}" if clip.predicted != clip.actual else "recognised"
    spent = "" if clip.gmacs is None else f", {clip.gmacs:.3g} GMACs"
    return f"{clip.sample}: {clip.actual}, {verdict}{spent}"


def _label(clip: ClipChoices, option: str) -> str:
    whole = f" (test split {clip.shares[option]:.0%})" if option in clip.shares else ""
    return f"{option}: {clip.share(option):.0%}{whole}"
