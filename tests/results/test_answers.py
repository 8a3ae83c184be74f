"""Answers clip by clip survive being written, and many clips are thinned evenly."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skelbench.results.answers import MOST_CLIPS, ClipAnswers


def made(clips: int, seed: int = 0) -> ClipAnswers:
    rng = np.random.default_rng(seed)
    return ClipAnswers(
        rng.random(clips) < 0.4, rng.exponential(1, clips).astype(np.float32), rng.integers(0, 600, clips)
    )


@given(st.integers(1, 300), st.integers(0, 99))
def test_a_line_holds_everything(clips: int, seed: int):
    answers = made(clips, seed)
    again = ClipAnswers.of_line(json.loads(json.dumps(answers.line())))
    for name in ("right", "loss", "predicted"):
        np.testing.assert_array_equal(getattr(again, name), getattr(answers, name))
    assert (again.top1, again.clips) == (answers.top1, clips)


def test_of_many_clips_some_are_kept_and_how_many_there_were_is_known():
    again = ClipAnswers.of_line(made(5000).line())
    assert (len(again.right), len(again.loss), again.clips) == (MOST_CLIPS, MOST_CLIPS, 5000)
    assert ClipAnswers.of_line(again.line()).clips == 5000
    assert abs(again.top1 - made(5000).top1) < 5
