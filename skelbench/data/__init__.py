"""Data sets in one form, from raw recordings to batches.

The loader (`skelbench.data.loader`) needs torch and is imported from its own module; everything
here does without.
"""

from skelbench.data.dataset import (
    BundleReader,
    Clip,
    Clips,
    FileReader,
    FolderReader,
    LeavesOut,
    Reader,
    Recordings,
)
from skelbench.data.fingerprint import raw_digest, short, split_fingerprint
from skelbench.data.open import Split, open_clips, split, training_part
from skelbench.data.preprocess import PREPROCESSES
from skelbench.data.sources import read_clips
from skelbench.data.store import is_store, open_store, write_store
from skelbench.data.video.dataset import (
    Extent,
    Video,
    VideoArray,
    VideoFile,
    VideoReader,
    Videos,
    VideoSource,
)
from skelbench.data.video.open import open_videos

__all__ = [
    "PREPROCESSES",
    "BundleReader",
    "Clip",
    "Clips",
    "Extent",
    "FileReader",
    "FolderReader",
    "LeavesOut",
    "Reader",
    "Recordings",
    "Split",
    "Video",
    "VideoArray",
    "VideoFile",
    "VideoReader",
    "VideoSource",
    "Videos",
    "is_store",
    "open_clips",
    "open_store",
    "open_videos",
    "raw_digest",
    "read_clips",
    "short",
    "split",
    "split_fingerprint",
    "training_part",
    "write_store",
]
