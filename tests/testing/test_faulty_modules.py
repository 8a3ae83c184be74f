"""Operators and graph modules with one fault each, and the test of the suites that catches it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, GraphModule, Operator, Params
from skelbench.errors import SpecError
from skelbench.host.registry import load_registry
from skelbench.testing.contracts import CONTRACTS, an_input, context
from skelbench.testing.operators import GraphModuleConformance, OperatorConformance, build

REGISTRY = load_registry()
PLACE = context(REGISTRY)
OPERATORS, GRAPHS = OperatorConformance(), GraphModuleConformance()


class Faulty(nn.Module):
    """Without a fault: it scales each channel."""

    def __init__(self, context: BuildContext, **params: Any) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(context.channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class Batchwise(Faulty):
    def forward(self, x: Tensor) -> Tensor:
        return (x - x.mean(0, keepdim=True)) * self.scale


class Idle(Faulty):
    def __init__(self, context: BuildContext) -> None:
        super().__init__(context)
        self.idle = nn.Parameter(torch.ones(1))


class Blunt(Faulty):
    """Its gradient at 0 is not a number, and the values are fine."""

    def forward(self, x: Tensor) -> Tensor:
        return x + (self.scale - self.scale.detach()).square().sqrt()


class Severed(Faulty):
    def forward(self, x: Tensor) -> Tensor:
        return x.detach() * self.scale


class Flat(Faulty):
    def forward(self, x: Tensor) -> Tensor:
        return (x * self.scale).mean(3)


class Overflowing(Faulty):
    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale / 0


class Lengthy(Faulty):
    """Of two frames it gives infinite values."""

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale / (x.shape[2] - 2)


class Restless(Faulty):
    """It draws in evaluation, too."""

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale * torch.rand(())


class Counting(Faulty):
    """It counts its passes, in evaluation too."""

    passes: Tensor

    def __init__(self, context: BuildContext) -> None:
        super().__init__(context)
        self.register_buffer("passes", torch.zeros(()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        self.passes += 1
        return x * self.scale


class Forgetful(Faulty):
    """What it drew when it was built is in no checkpoint."""

    drawn: Tensor

    def __init__(self, context: BuildContext) -> None:
        super().__init__(context)
        self.register_buffer("drawn", torch.rand(context.channels, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale * self.drawn


class Mistyped(Faulty):
    """Fine in single precision; under autocast the types do not fit."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__(context)
        self.linear = nn.Linear(context.joints, context.joints)

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.scale).index_put((torch.tensor([0]),), self.linear(x[:1]))


class Rounding(Faulty):
    """Under autocast it gives something else."""

    def forward(self, x: Tensor) -> Tensor:
        out = x * self.scale
        return out.flip(1) if torch.is_autocast_enabled("cpu") else out


class Misled(Faulty):
    """Under autocast the values are right and the gradients are not."""

    def forward(self, x: Tensor) -> Tensor:
        out = x * self.scale
        wrong = (x * self.scale).flip(1)
        return wrong - wrong.detach() + out.detach() if torch.is_autocast_enabled("cpu") else out


class Branching(Faulty):
    """What it does depends on values, which no exported network can follow."""

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale if x.sum() > -1e9 else x


class Touchy(Faulty):
    """To be copied puts it in evaluation, and so does counting its cost."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Touchy:
        self.eval()
        copied = type(self).__new__(type(self))
        copied.__dict__ = copy.deepcopy(self.__dict__, memo)
        return copied


class Weightless(Faulty):
    """It has a layer that it does not use."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__(context)
        self.linear = nn.Linear(context.joints, context.joints)


class ChannelParams(Params):
    """Parameters of an operator.

    Attributes:
        channels: Output channels.
    """

    channels: int


def faulty(target: Any) -> tuple[Operator, nn.Module, Tensor]:
    component = Operator(name="faulty", summary="Has a fault", target=target)
    return component, build(REGISTRY, component, {}, PLACE), an_input("skeleton", PLACE)


def test_the_module_without_a_fault_passes_all_of_it() -> None:
    component, module, x = faulty(Faulty)
    OPERATORS.test_it_says_what_it_is(component)
    OPERATORS.test_it_keeps_its_contract(component, module, x, PLACE)
    OPERATORS.test_it_gives_the_channels_that_it_is_told(REGISTRY, component, {}, x, PLACE)
    OPERATORS.test_it_does_so_at_other_places(REGISTRY, component, {}, PLACE)
    OPERATORS.test_it_repeats_itself_in_evaluation(module, x)
    OPERATORS.test_its_state_comes_back(REGISTRY, component, {}, module, x, PLACE)
    OPERATORS.test_it_learns_in_mixed_precision(module, x)
    OPERATORS.test_it_can_be_exported(component, module, x)
    OPERATORS.test_its_cost_is_counted(module, x)


@pytest.mark.parametrize(
    ("target", "message"), [(Flat, "not"), (Overflowing, None)], ids=["axes", "infinite values"]
)
def test_outputs_that_break_the_contract(target: Any, message: str | None) -> None:
    component, module, x = faulty(target)
    with pytest.raises(AssertionError, match=message):
        OPERATORS.test_it_keeps_its_contract(component, module, x, PLACE)


def test_modules_that_need_more_frames_than_there_may_be() -> None:
    component, module, x = faulty(Lengthy)
    OPERATORS.test_it_keeps_its_contract(component, module, x, PLACE)
    with pytest.raises(AssertionError):
        OPERATORS.test_it_does_so_at_other_places(REGISTRY, component, {}, PLACE)


def test_clips_that_mix() -> None:
    component, module, x = faulty(Batchwise)
    with pytest.raises(AssertionError):
        OPERATORS.test_samples_of_a_batch_do_not_mix(component, module, x)


@pytest.mark.parametrize(
    ("target", "message"),
    [(Idle, "idle"), (Blunt, r"\['scale'\] are not finite"), (Severed, "reaches the input")],
)
def test_gradients_that_do_not_come_or_are_broken(target: Any, message: str) -> None:
    _, module, x = faulty(target)
    with pytest.raises(AssertionError, match=message):
        OPERATORS.test_gradients_reach_every_parameter(module, x)


@pytest.mark.parametrize(
    ("target", "message"), [(Restless, "two passes differ"), (Counting, r"\['passes'\] changed")]
)
def test_modules_that_do_not_rest_in_evaluation(target: Any, message: str) -> None:
    _, module, x = faulty(target)
    with pytest.raises(AssertionError, match=message):
        OPERATORS.test_it_repeats_itself_in_evaluation(module, x)


def test_weights_that_no_checkpoint_holds() -> None:
    component, module, x = faulty(Forgetful)
    with pytest.raises(AssertionError, match="not in the state"):
        OPERATORS.test_its_state_comes_back(REGISTRY, component, {}, module, x, PLACE)


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (Mistyped, RuntimeError, "dtype"),
        (Rounding, AssertionError, "the output is another"),
        (Misled, AssertionError, "the gradients are others"),
    ],
)
def test_modules_that_mixed_precision_breaks(target: Any, error: type[Exception], message: str) -> None:
    _, module, x = faulty(target)
    with pytest.raises(error, match=message):
        OPERATORS.test_it_learns_in_mixed_precision(module, x)


def test_modules_that_cannot_be_exported_and_do_not_say_so() -> None:
    component, module, x = faulty(Branching)
    with pytest.raises(AssertionError, match="no_export gives no reason"):
        OPERATORS.test_it_can_be_exported(component, module, x)


class Reasoned(OperatorConformance):
    no_export = "it branches on values"


def test_a_stated_reason_holds_while_export_fails_and_no_longer() -> None:
    Reasoned().test_it_can_be_exported(*faulty(Branching))
    with pytest.raises(AssertionError, match="works, though no_export says: it branches on values"):
        Reasoned().test_it_can_be_exported(*faulty(Faulty))


@pytest.mark.parametrize(("target", "message"), [(Weightless, "costs nothing"), (Touchy, "changed")])
def test_costs_that_are_wrong(target: Any, message: str) -> None:
    _, module, x = faulty(target)
    with pytest.raises(AssertionError, match=message):
        OPERATORS.test_its_cost_is_counted(module, x)


def test_channels_that_are_not_as_told() -> None:
    component = Operator(name="faulty", target=Faulty, params=ChannelParams)
    x = an_input("skeleton", PLACE)
    with pytest.raises(AssertionError, match="8 channels, not 16"):
        OPERATORS.test_it_gives_the_channels_that_it_is_told(REGISTRY, component, {}, x, PLACE)


def test_components_that_do_not_say_what_they_are() -> None:
    with pytest.raises(AssertionError, match="summary"):
        OPERATORS.test_it_says_what_it_is(Operator(name="silent", target=Faulty))


def test_needed_parameters_that_nobody_gave() -> None:
    class Needs(Params):
        width: int

    component = Operator(name="needs", target=Faulty, params=Needs)
    with pytest.raises(SpecError, match="needs the parameter 'width'"):
        build(REGISTRY, component, {}, PLACE)


class Cropped(nn.Module):
    """Of videos: the last row of an odd number is lost, and the output is of one clip alone."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.linear = nn.Linear(context.channels, context.classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x[:1].float().mean((2, 3, 4)))


@pytest.mark.parametrize("contract", ["video_input", "video", "video_head"])
def test_operators_of_videos_that_break_their_contract(contract: Any) -> None:
    component = Operator(name="cropped", target=Cropped, contract=contract)
    place = context(REGISTRY, contract=contract)
    module = build(REGISTRY, component, {}, place)
    assert CONTRACTS[component.contract].takes(place) == (2, 8, 12, 16, 14)
    with pytest.raises(AssertionError):
        OPERATORS.test_it_keeps_its_contract(component, module, an_input(contract, place), place)


class Varying(nn.Module):
    """A faulty graph: it looks at values to choose its shape."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.joints = context.joints

    def forward(self, x: Tensor) -> Tensor:
        return x.new_ones(int(x.sum() > -1e9), self.joints, self.joints)


class Unlearning(nn.Module):
    """A faulty graph: its weights take no part in it."""

    def __init__(self, context: BuildContext) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, context.joints, context.joints))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight.detach()


def test_graphs_that_look_at_values_or_have_too_few_subsets() -> None:
    x, module = an_input("skeleton", PLACE), Varying(PLACE)
    with pytest.raises(AssertionError):
        GRAPHS.test_it_keeps_its_contract(module, x)
    with pytest.raises(SpecError, match="does not take"):
        GRAPHS.test_its_shape_is_found_without_values(module, x)


def test_graphs_that_do_not_learn() -> None:
    component = GraphModule(name="faulty", target=Unlearning)
    module = build(REGISTRY, component, {}, PLACE)
    with pytest.raises(AssertionError, match="weight"):
        GRAPHS.test_gradients_reach_every_parameter(module, an_input("skeleton", PLACE))
