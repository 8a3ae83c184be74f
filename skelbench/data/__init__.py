"""Data sets in one form, from raw recordings to batches.

The loader (`skelbench.data.loader`) needs torch and is imported from its own module; everything
here does without.
"""

from skelbench.data.dataset import Clip, Clips, Reader
from skelbench.data.fingerprint import raw_digest, short, split_fingerprint
from skelbench.data.open import Split, open_clips, split
from skelbench.data.preprocess import PREPROCESSES
from skelbench.data.sources import read_clips
from skelbench.data.store import is_store, open_store, write_store

__all__ = [
    "PREPROCESSES",
    "Clip",
    "Clips",
    "Reader",
    "Split",
    "is_store",
    "open_clips",
    "open_store",
    "raw_digest",
    "read_clips",
    "short",
    "split",
    "split_fingerprint",
    "write_store",
]
