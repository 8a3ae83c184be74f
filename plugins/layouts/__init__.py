"""Skeleton layouts: joint names and bones, as published with each data set or pose estimator."""

from __future__ import annotations

from skelbench import hookimpl
from skelbench.components import Layout

NTU25 = Layout(
    name="ntu25",
    summary="Kinect v2, 25 joints (NTU RGB+D 60 and 120)",
    joints=(
        "hip_centre",
        "spine_middle",
        "neck",
        "head",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "left_hand",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "right_hand",
        "left_hip",
        "left_knee",
        "left_ankle",
        "left_foot",
        "right_hip",
        "right_knee",
        "right_ankle",
        "right_foot",
        "spine_shoulder",
        "left_hand_tip",
        "left_thumb",
        "right_hand_tip",
        "right_thumb",
    ),
    # The published list counts from 1: 22-23 and 24-25 hang the hand tips on the thumbs.
    inward=(
        *((0, 1), (1, 20), (2, 20), (3, 2), (4, 20), (5, 4), (6, 5), (7, 6)),
        *((8, 20), (9, 8), (10, 9), (11, 10), (12, 0), (13, 12), (14, 13), (15, 14)),
        *((16, 0), (17, 16), (18, 17), (19, 18), (21, 22), (22, 7), (23, 24), (24, 11)),
    ),
    root=20,
    torso=(0, 1, 4, 8),
)

OPENPOSE18 = Layout(
    name="openpose18",
    summary="OpenPose, 18 key points in the image (Kinetics-Skeleton)",
    joints=(
        "nose",
        "neck",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_eye",
        "left_eye",
        "right_ear",
        "left_ear",
    ),
    inward=(
        *((0, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6), (8, 2), (9, 8)),
        *((10, 9), (11, 5), (12, 11), (13, 12), (14, 0), (15, 0), (16, 14), (17, 15)),
    ),
    root=1,
    torso=(8, 1, 5, 2),
)

UCLA20 = Layout(
    name="ucla20",
    summary="Kinect v1, 20 joints (Northwestern-UCLA)",
    joints=(
        "hip_centre",
        "spine",
        "shoulder_centre",
        "head",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "left_hand",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "right_hand",
        "left_hip",
        "left_knee",
        "left_ankle",
        "left_foot",
        "right_hip",
        "right_knee",
        "right_ankle",
        "right_foot",
    ),
    inward=(
        *((0, 1), (1, 2), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6), (8, 2), (9, 8), (10, 9)),
        *((11, 10), (12, 0), (13, 12), (14, 13), (15, 14), (16, 0), (17, 16), (18, 17), (19, 18)),
    ),
    root=2,
    torso=(0, 1, 4, 8),
)

COCO17 = Layout(
    name="coco17",
    summary="COCO, 17 key points in the image (pose estimators such as HRNet)",
    joints=(
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_hip",
        "right_hip",
        "left_knee",
        "right_knee",
        "left_ankle",
        "right_ankle",
    ),
    inward=(
        *((1, 0), (2, 0), (3, 1), (4, 2), (5, 0), (6, 0), (7, 5), (8, 6)),
        *((9, 7), (10, 8), (11, 5), (12, 6), (13, 11), (14, 12), (15, 13), (16, 14)),
    ),
    root=0,
    # COCO has no joint on the spine; the nose lies on the body's axis.
    torso=(11, 0, 5, 6),
)

SHREC22 = Layout(
    name="shrec22",
    summary="one hand, 22 joints (SHREC'17 Track, DHG-14/28)",
    joints=(
        "wrist",
        "palm",
        *(f"thumb_{part}" for part in ("base", "first", "second", "tip")),
        *(f"index_{part}" for part in ("base", "first", "second", "tip")),
        *(f"middle_{part}" for part in ("base", "first", "second", "tip")),
        *(f"ring_{part}" for part in ("base", "first", "second", "tip")),
        *(f"pinky_{part}" for part in ("base", "first", "second", "tip")),
    ),
    inward=(
        *((0, 1), (2, 0), (3, 2), (4, 3), (5, 4), (6, 1), (7, 6), (8, 7), (9, 8)),
        *((10, 1), (11, 10), (12, 11), (13, 12), (14, 1), (15, 14), (16, 15), (17, 16)),
        *((18, 1), (19, 18), (20, 19), (21, 20)),
    ),
    root=1,
    # A hand has no torso: wrist and palm give the long axis, the outer knuckles the cross axis.
    torso=(0, 1, 6, 18),
)

LAYOUTS = (NTU25, OPENPOSE18, UCLA20, COCO17, SHREC22)


@hookimpl
def register_layouts() -> tuple[Layout, ...]:
    """The layouts of the common data sets."""
    return LAYOUTS
