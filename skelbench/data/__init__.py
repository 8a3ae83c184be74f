"""Data sets in one form, from raw recordings to batches.

The loader and the streams (`skelbench.data.loader`, `skelbench.data.streams`) need torch and are
imported from their own modules; everything here does without.
"""

from skelbench.data.dataset import Clip, Clips, Reader

__all__ = ["Clip", "Clips", "Reader"]
