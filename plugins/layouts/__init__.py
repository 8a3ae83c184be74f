"""Skeleton layouts: joint names and bones, as published with each data set or pose estimator."""

from __future__ import annotations

from dataclasses import replace

from skelbench import hookimpl
from skelbench.components import Layout
from skelbench.layouts import LayoutOptions

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

KINECT20 = replace(UCLA20, name="kinect20", summary="Kinect v1, 20 joints in the order of its SDK")

MSR20 = LayoutOptions(
    name="msr20",
    joints=(
        *(
            "left_shoulder",
            "right_shoulder",
            "shoulder_centre",
            "spine",
            "left_hip",
            "right_hip",
            "hip_centre",
        ),
        *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand"),
        *("left_knee", "right_knee", "left_ankle", "right_ankle", "left_foot", "right_foot", "head"),
    ),
    bones=(
        *((19, 2), (0, 2), (1, 2), (7, 0), (9, 7), (11, 9), (8, 1), (10, 8), (12, 10), (2, 3)),
        *((6, 3), (4, 6), (5, 6), (13, 4), (15, 13), (17, 15), (14, 5), (16, 14), (18, 16)),
    ),
    root="shoulder_centre",
    torso=("hip_centre", "spine", "left_shoulder", "right_shoulder"),
).layout("MSR-Action3D, 20 joints of a Kinect v1 in an order of its own")

OPENNI15 = LayoutOptions(
    name="openni15",
    joints=(
        *("head", "neck", "torso", "left_shoulder", "left_elbow", "left_hand"),
        *("right_shoulder", "right_elbow", "right_hand", "left_hip", "left_knee", "left_foot"),
        *("right_hip", "right_knee", "right_foot"),
    ),
    bones=(
        *((0, 1), (3, 1), (4, 3), (5, 4), (6, 1), (7, 6), (8, 7), (1, 2)),
        *((9, 2), (10, 9), (11, 10), (12, 2), (13, 12), (14, 13)),
    ),
    root="torso",
    # There is no joint between the hips: the left one gives the direction of the spine.
    torso=("left_hip", "torso", "left_shoulder", "right_shoulder"),
).layout("OpenNI and NiTE, 15 joints (SBU Kinect Interaction, Florence 3D Actions)")

BODY25 = LayoutOptions(
    name="body25",
    joints=(
        *("nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow"),
        *("left_wrist", "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee"),
        *("left_ankle", "right_eye", "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe"),
        *("left_heel", "right_big_toe", "right_small_toe", "right_heel"),
    ),
    bones=(
        *((0, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6), (1, 8), (9, 8), (10, 9), (11, 10), (12, 8)),
        *((13, 12), (14, 13), (15, 0), (16, 0), (17, 15), (18, 16), (19, 14), (20, 19), (21, 14), (22, 11)),
        *((23, 22), (24, 11)),
    ),
    root="neck",
    torso=("mid_hip", "neck", "left_shoulder", "right_shoulder"),
).layout("OpenPose BODY_25, 25 key points in the image")

MEDIAPIPE33 = LayoutOptions(
    name="mediapipe33",
    joints=(
        *("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye"),
        *("right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder"),
        *("right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky"),
        *("right_pinky", "left_index", "right_index", "left_thumb", "right_thumb", "left_hip", "right_hip"),
        *("left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel"),
        *("left_foot_index", "right_foot_index"),
    ),
    # There is no neck: mouth and shoulders hang on the nose, the hips on the shoulders.
    bones=(
        *((1, 0), (2, 1), (3, 2), (7, 3), (4, 0), (5, 4), (6, 5), (8, 6), (9, 0), (10, 0), (11, 0), (12, 0)),
        *((13, 11), (15, 13), (17, 15), (19, 15), (21, 15), (14, 12), (16, 14), (18, 16), (20, 16), (22, 16)),
        *((23, 11), (25, 23), (27, 25), (29, 27), (31, 27), (24, 12), (26, 24), (28, 26), (30, 28), (32, 28)),
    ),
    root="nose",
    torso=("left_hip", "nose", "left_shoulder", "right_shoulder"),
).layout("MediaPipe Pose (BlazePose), 33 landmarks")

JHMDB15 = LayoutOptions(
    name="jhmdb15",
    joints=(
        *("neck", "belly", "face", "right_shoulder", "left_shoulder", "right_hip", "left_hip", "right_elbow"),
        *("left_elbow", "right_knee", "left_knee", "right_wrist", "left_wrist", "right_ankle", "left_ankle"),
    ),
    bones=(
        *((2, 0), (3, 0), (4, 0), (1, 0), (5, 1), (6, 1), (7, 3), (8, 4), (11, 7), (12, 8)),
        *((9, 5), (10, 6), (13, 9), (14, 10)),
    ),
    root="neck",
    torso=("belly", "neck", "left_shoulder", "right_shoulder"),
).layout("JHMDB, 15 joints in the image, as its puppet annotations have them")

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

_BODIES = (NTU25, KINECT20, UCLA20, MSR20, OPENNI15, JHMDB15, OPENPOSE18, BODY25, COCO17, MEDIAPIPE33)
LAYOUTS = (*_BODIES, SHREC22)


@hookimpl
def register_layouts() -> tuple[Layout, ...]:
    """The layouts of the common data sets."""
    return LAYOUTS
