"""Parameters of the inputs of SGN and AdaSGN, and what they ask of joints and persons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from skelbench.components import BuildContext, Layout, Params

from .params import Positive, Share

Group = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
Persons = Literal["present", "all"]


class SgnJointsParams(Params):
    """Parameters of the embedding of the semantics-guided network.

    Attributes:
        channels: Output channels, even: half embed the coordinates, half the joint type.
        joints: Joints after a learned mixture, at most as many as the layout has. They begin as the means of
            groups: the published ones (9 of ntu25 and ucla20, 11 of shrec22), else parts by the bones.
            None: the layout's joints, unmixed.
        groups: Instead of ``joints``: for each mixed joint, those of the layout, from 0, whose mean it
            is at first. Every joint stands in a group.
        freeze: Share of the training before the mixture begins to learn.
    """

    channels: Annotated[int, Field(gt=0, multiple_of=2)] = 128
    joints: Positive | None = None
    groups: Annotated[tuple[Group, ...], Field(min_length=1)] | None = None
    freeze: Share = 0.25

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.joints is not None and self.groups is not None:
            raise ValueError("'groups' says how many joints there are; leave out 'joints'")
        if any(len(set(group)) < len(group) for group in self.groups or ()):
            raise ValueError("a group names a joint twice")
        return self

    def misfits(self, context: BuildContext) -> Iterator[tuple[str, str, str]]:
        """Groups of other joints than the layout's, or more of them."""
        yield from group_misfits(context.layout, self.joints, self.groups)


class SgnClipParams(Params):
    """Parameters of the input of networks that choose frame by frame.

    Attributes:
        persons: Whose scores are averaged: of those ``present`` in the clip (of two at most), or of
            ``all``, absent ones as zeros (released code).
    """

    persons: Persons = "present"

    def misfits(self, context: BuildContext) -> Iterator[tuple[str, str, str]]:
        """More persons than can be told absent."""
        yield from person_misfits(self.persons, context)


class SgnEmbedParams(SgnJointsParams):
    """Parameters of the input of the semantics-guided network: those of ``sgn_joints``, and one more.

    Attributes:
        persons: Whose scores are averaged: of those ``present`` in the clip (of two at most), or of
            ``all``, absent ones as zeros (released code).
    """

    persons: Persons = "present"

    def misfits(self, context: BuildContext) -> Iterator[tuple[str, str, str]]:
        """Groups of other joints than the layout's, and more persons than can be told absent."""
        yield from super().misfits(context)
        yield from person_misfits(self.persons, context)


def group_misfits(
    layout: Layout, joints: int | None, groups: Sequence[Sequence[int]] | None
) -> Iterator[tuple[str, str, str]]:
    """(what, parameter, remedy) of a number of groups, or of groups, that a layout cannot have."""
    count = len(layout.joints)
    if groups is None:
        if joints is not None and joints > count:
            what = f"makes {joints} of the {count} joints of '{layout.name}'"
            yield what, "joints", f"Set joints to a number from 1 to {count}"
        return
    named = {joint for group in groups for joint in group}
    if beyond := sorted(named - set(range(count))):
        what = f"has a group with joint {beyond[0]}, but '{layout.name}' has 0 to {count - 1}"
        yield what, "groups", "Group the joints of the layout in use"
    elif missing := sorted(set(range(count)) - named):
        what = f"has groups without joint {missing[0]} ({layout.joints[missing[0]]})"
        yield what, "groups", f"Put each of the {count} joints of '{layout.name}' in a group"


def person_misfits(persons: str, context: BuildContext) -> Iterator[tuple[str, str, str]]:
    """(what, parameter, remedy) where absent persons are to be left out of more than two."""
    if persons == "present" and context.persons > 2:
        what = f"cannot leave out the absent ones of {context.persons} persons, only of two"
        yield what, "persons", "Set data.clip.persons to 2, or persons: all"
