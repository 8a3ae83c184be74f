"""Procedural moving skeletons for any layout, to run and test everything without real recordings.

A class is a motion: which limbs swing, about which axes, how fast and in which phase. Performers
differ in limb lengths, tempo and amplitude, cameras in viewpoint, and every recording has its own
phase, place and sensor noise. Walking order, poses and motions are drawn from generators seeded by
class, subject and camera, so the same arguments and the same ``rng`` give the same recording.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from skelbench.components import Layout

_LEFT_ARM, _RIGHT_ARM, _LEFT_LEG, _RIGHT_LEG, _HEAD, _TRUNK = range(6)
_GROUPS = 6
# Rest direction of a bone by body part (x to the right, y up), before a small joint-specific tilt.
_REST = np.array(
    [[-0.35, -1, 0], [0.35, -1, 0], [-0.15, -1, 0], [0.15, -1, 0], [0, 1, 0], [0, -1, 0]], dtype=float
)
_CLASS_SEED, _SUBJECT_SEED, _POSE_SEED = 7001, 7002, 7003
_VIEWS = np.deg2rad([-45.0, 0.0, 45.0])


@dataclass(frozen=True)
class _Body:
    """A rest pose: joints in walking order from the spine outwards.

    Attributes:
        order: Joints so that each comes after the one it hangs on; the spine is first.
        parent: For each joint the joint it hangs on, -1 for the spine.
        group: Body part of each joint.
        depth: Steps of each joint within its body part.
        offset: (V, 3) from the parent to the joint at rest, in metres.
    """

    order: tuple[int, ...]
    parent: np.ndarray
    group: np.ndarray
    depth: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True)
class _Motion:
    """What makes a class, per body part (and ``path``: where the body goes during the clip, metres)."""

    axis: np.ndarray
    amplitude: np.ndarray
    cycles: np.ndarray
    phase: np.ndarray
    lag: np.ndarray
    path: np.ndarray


def generate(
    layout: Layout,
    label: int,
    subject: int,
    camera: int,
    rng: np.random.Generator,
    frames: int,
    persons: int = 1,
) -> np.ndarray:
    """One synthetic recording in camera coordinates.

    Args:
        layout: The skeleton.
        label: The 0-based class.
        subject: The performer; sets body size and style.
        camera: The camera; sets the viewpoint.
        rng: Draws what differs between recordings of the same class, subject and camera.
        frames: Frames T.
        persons: Persons M; each further person moves in a way of its own, facing the first.

    Returns:
        Coordinates in metres, (T, M, V, 3) float32: x to the right, y up, z away from the camera.
    """
    body = _body(layout)
    bodies = [_perform(body, label, subject, person, rng, frames) for person in range(persons)]
    scene = np.stack(bodies, axis=1)
    scene += rng.normal(0, 0.15, 3)
    yaw = _VIEWS[camera % len(_VIEWS)] + rng.normal(0, 0.12)
    scene = scene @ (_turn(yaw, 1) @ _turn(rng.normal(0.15, 0.03), 0)).T
    scene += np.array([0.0, 0.2, 3.2])
    return (scene + rng.normal(0, 0.012, scene.shape)).astype(np.float32)


def _perform(
    body: _Body, label: int, subject: int, person: int, rng: np.random.Generator, frames: int
) -> np.ndarray:
    """One person's joints around the origin, (T, V, 3)."""
    motion = _motion(label, person)
    style = np.random.default_rng([_SUBJECT_SEED, max(subject, 0), person])
    size = style.uniform(0.88, 1.12) * style.uniform(0.88, 1.12, _GROUPS)
    tempo = style.uniform(0.75, 1.3) * rng.uniform(0.85, 1.15)
    gain = style.uniform(0.7, 1.25) * rng.uniform(0.85, 1.15, _GROUPS)
    start = style.normal(0, 0.4) + rng.normal(0, 1.0)
    time = np.linspace(0, 1, frames)[:, None]
    angle = gain * motion.amplitude * np.sin(2 * np.pi * tempo * motion.cycles * time + motion.phase + start)
    # Limbs that the class leaves alone still sway, differently in every recording.
    sway = rng.uniform(0.02, 0.18, _GROUPS) * np.sin(
        2 * np.pi * rng.uniform(0.3, 2, _GROUPS) * time + rng.uniform(0, 6.3, _GROUPS)
    )
    joints = _pose(body, motion, angle + sway, size)
    joints += (motion.path * np.sin(np.pi * tempo * time + 0.3 * start))[:, None]
    if person:
        joints = joints @ _turn(np.pi, 1).T + np.array([0.9 * person, 0, 0])
    return joints


def _pose(body: _Body, motion: _Motion, angle: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Forward kinematics: (T, groups) angles to (T, V, 3) joints."""
    frames = len(angle)
    turned = {-1: np.broadcast_to(np.eye(3), (frames, 3, 3))}
    joints = np.zeros((frames, len(body.order), 3))
    for joint in body.order[1:]:
        parent, part = int(body.parent[joint]), int(body.group[joint])
        step = angle[:, part] * motion.lag[part] ** body.depth[joint]
        base = turned[parent] if parent in turned else turned[-1]
        turned[joint] = base @ _about(motion.axis[part], step)
        joints[:, joint] = joints[:, parent] + turned[joint] @ (size[part] * body.offset[joint])
    return joints


@lru_cache(maxsize=512)
def _motion(label: int, person: int) -> _Motion:
    rng = np.random.default_rng([_CLASS_SEED, label, person])
    axis = rng.normal(size=(_GROUPS, 3))
    active = rng.permutation(_GROUPS) < rng.integers(2, 4)
    walks = rng.random() < 0.3
    return _Motion(
        axis=axis / np.linalg.norm(axis, axis=1, keepdims=True),
        amplitude=active * rng.uniform(0.35, 0.8, _GROUPS),
        cycles=rng.choice([0.5, 1.0, 1.5, 2.0, 3.0]) * rng.choice([1.0, 1.0, 2.0], _GROUPS),
        phase=rng.choice(4, _GROUPS) * np.pi / 2,
        lag=rng.uniform(0.5, 1.0, _GROUPS),
        path=rng.normal(0, 0.35, 3) * walks,
    )


@lru_cache(maxsize=16)
def _body(layout: Layout) -> _Body:
    hip, spine, left, right = layout.torso or _some_torso(layout)
    order, parent = _walk(layout, spine)
    count = len(layout.joints)
    group, depth, offset = np.full(count, _TRUNK), np.zeros(count, int), np.zeros((count, 3))
    rng = np.random.default_rng([_POSE_SEED, count])
    legs = 0
    named = {left: _LEFT_ARM, right: _RIGHT_ARM, hip: _TRUNK}
    for joint in order[1:]:
        above = int(parent[joint])
        if joint in named:
            group[joint] = named[joint]
        elif above == hip:
            group[joint], legs = (_LEFT_LEG, _RIGHT_LEG)[legs % 2], legs + 1
        else:
            group[joint] = _HEAD if above == spine else group[above]
        depth[joint] = depth[above] + 1 if group[above] == group[joint] else 0
        offset[joint] = _offset(int(group[joint]), int(depth[joint]), rng)
    offset[left], offset[right] = (-0.19, 0.28, 0.02), (0.19, 0.28, -0.02)
    return _Body(order, parent, group, depth, offset)


def _some_torso(layout: Layout) -> tuple[int, int, int, int]:
    """The root and the joints next to it, where no torso is known."""
    near = [*_walk(layout, layout.root)[0][1:4], layout.root, layout.root, layout.root]
    return near[0], layout.root, near[1], near[2]


def _walk(layout: Layout, start: int) -> tuple[tuple[int, ...], np.ndarray]:
    """Breadth first over the bones: joints in order, and the joint that each hangs on."""
    neighbours: dict[int, list[int]] = {joint: [] for joint in range(len(layout.joints))}
    for child, parent in layout.inward:
        neighbours[child].append(parent)
        neighbours[parent].append(child)
    above = np.full(len(layout.joints), -1)
    order, queue = [start], deque([start])
    while queue:
        joint = queue.popleft()
        for other in sorted(neighbours[joint]):
            if other not in order:
                above[other] = joint
                order.append(other)
                queue.append(other)
    return tuple(order), above


def _offset(group: int, depth: int, rng: np.random.Generator) -> np.ndarray:
    direction = _REST[group] + rng.normal(0, 0.15, 3)
    length = 0.1 if depth > 2 else 0.27
    return length * direction / np.linalg.norm(direction)


def _turn(angle: float, axis: int) -> np.ndarray:
    """Rotation matrix about a coordinate axis, (3, 3)."""
    return _about(np.eye(3)[axis], np.array([angle]))[0]


def _about(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Rotation matrices about a unit axis by Rodrigues' formula, (T,) angles to (T, 3, 3)."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    sin, cos = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sin * cross + (1 - cos) * (cross @ cross)
