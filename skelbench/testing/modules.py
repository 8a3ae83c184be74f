"""What the suites for operators and graph modules have in common."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from skelbench.components import BuildContext, GraphModule, Operator, slots_of
from skelbench.errors import SpecError
from skelbench.host.registry import Registry
from skelbench.testing.contracts import CHANNELS, context
from skelbench.testing.named import NamedComponent
from skelbench.testing.params import checked_params
from skelbench.training.cost import cost

DEFAULTS: Mapping[str, Any] = {"channels": 2 * CHANNELS}
"""Given to an operator that needs them and is given no other."""
IN_SLOT = {"graph_module": "adjacency", "operator": "stgcn_block"}
"""What stands in a slot that needs a module and is given no other."""
MULTIPLY = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.RNNBase)
"""Layers whose work is counted in MACs."""
COSINE = 0.9
"""Of the angle between values in bfloat16 and in single precision, at least.

Where the largest of several values is taken, rounding sends a gradient another way: 0.98 in a narrow module.
"""


def build(
    registry: Registry, component: Operator | GraphModule, given: Mapping[str, Any], place: BuildContext
) -> nn.Module:
    """A module with checked parameters and its slots filled, built as in a network.

    Args:
        registry: Where the modules for its slots come from.
        component: What to build.
        given: Its parameters as in a spec; a slot holds a name or ``{op: name, ...}``.
        place: Its place in the network.

    Raises:
        SpecError: The parameters do not fit the component's model.
    """
    params = checked_params(component, {**needed(component), **given})
    plain = {name: value for name, value in params.items() if name not in slots_of(component)}
    for name, slot in slots_of(component).items():
        if params[name] is not None:
            node = params[name] if isinstance(params[name], dict) else {"op": params[name]}
            own = {key: value for key, value in node.items() if key != "op"}
            params[name] = build(
                registry, registry.get(slot.kind, node["op"]), own, slot.context(place, plain)
            )
    module: nn.Module = component.load()(place, **params)
    return module


def needed(component: Operator | GraphModule) -> dict[str, Any]:
    """What the suite gives a component that needs it: channels, and modules in slots."""
    known = {**DEFAULTS, **{name: IN_SLOT[slot.kind] for name, slot in slots_of(component).items()}}
    required = [name for name, field in component.params.model_fields.items() if field.is_required()]
    return {name: known[name] for name in required if name in known}


class BuiltModule(NamedComponent):
    """What holds for every module, alone and as a part of a network.

    Attributes:
        params: Its parameters, as in a spec. Where it needs ``channels`` or modules in slots and
            they are left out, the suite gives some.
        layout: The layout to try it on.
        no_export: Why `torch.export` cannot take it; empty: it can. A reason is refused where it can.
    """

    params: ClassVar[Mapping[str, Any]] = {}
    layout: ClassVar[str] = "ntu25"
    no_export: ClassVar[str] = ""

    @pytest.fixture
    def given(self) -> Mapping[str, Any]:
        """The parameters, where a test class has more than one set of them."""
        return self.params

    @pytest.fixture
    def place(self, skelbench_registry: Registry, component: Any) -> BuildContext:
        """Where in a network the module is tried."""
        return context(skelbench_registry, self.layout)

    @pytest.fixture
    def module(
        self,
        skelbench_registry: Registry,
        component: Any,
        given: Mapping[str, Any],
        place: BuildContext,
    ) -> nn.Module:
        """The module under test."""
        torch.manual_seed(0)
        return build(skelbench_registry, component, given, place)

    def test_unknown_parameters_are_refused(self, component: Any, given: Mapping[str, Any]) -> None:
        """The parameters fit the model, and one more does not."""
        params = {**needed(component), **given}
        checked_params(component, params)
        with pytest.raises(SpecError, match="no_such_parameter"):
            checked_params(component, {**params, "no_such_parameter": 1})

    def test_gradients_reach_every_parameter(self, module: nn.Module, x: Tensor) -> None:
        """Everything in it learns, and no gradient is infinite or not a number."""
        out = module(x)
        if out.requires_grad:
            backward(out)
        check_gradients(module)

    def test_it_repeats_itself_in_evaluation(self, module: nn.Module, x: Tensor) -> None:
        """In evaluation the same clips give the same, bit by bit, and leave the module as it was."""
        module.eval()
        before = _state(module)
        with torch.no_grad():
            assert torch.equal(module(x), module(x)), "two passes differ"
        check_state(module, before)

    def test_its_state_comes_back(
        self,
        skelbench_registry: Registry,
        component: Any,
        given: Mapping[str, Any],
        module: nn.Module,
        x: Tensor,
        place: BuildContext,
    ) -> None:
        """Built anew and given the weights and statistics of a file, it gives the same."""
        module(x)  # moves the statistics of normalisations
        file = io.BytesIO()
        torch.save(module.state_dict(), file)
        file.seek(0)
        torch.manual_seed(1)
        again = build(skelbench_registry, component, given, place)
        again.load_state_dict(torch.load(file, weights_only=True))
        assert torch.equal(again.eval()(x), module.eval()(x)), "something is not in the state"

    def test_it_learns_in_mixed_precision(self, module: nn.Module, x: Tensor) -> None:
        """Under bfloat16 values and gradients are finite, and point where those of single precision do."""
        (out, slopes), (rough, rough_slopes) = (_values_and_slopes(module, x, half) for half in (False, True))
        check_gradients(module)
        assert torch.isfinite(rough).all()
        assert alike(rough, out), "under bfloat16 the output is another"
        assert alike(rough_slopes, slopes), "under bfloat16 the gradients are others"

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
    def test_it_runs_on_cuda(self, module: nn.Module, x: Tensor) -> None:
        """It goes to the device as a whole, and gives there what it gives here, in bfloat16 finite values."""
        expected = module.eval()(x)
        module.cuda()
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            out = module(x.cuda())
        assert out.is_cuda
        torch.testing.assert_close(out.cpu(), expected, rtol=1e-3, atol=1e-4)
        with torch.autocast("cuda", torch.bfloat16):
            assert torch.isfinite(module(x.cuda())).all()

    def test_it_can_be_exported(self, component: Any, module: nn.Module, x: Tensor) -> None:
        """`torch.export` takes it as a part of a network, and what it makes gives the same.

        Where it cannot, the suite's ``no_export`` says why; the reason falls when it can.
        """
        network, reason = nn.Sequential(module).eval(), self.export_refusal(component)
        exported = _exported(network, x)
        if isinstance(exported, Exception):
            assert reason, f"torch.export fails and no_export gives no reason: {exported}"
            return
        assert not reason, f"torch.export works, though no_export says: {reason}"
        torch.testing.assert_close(exported(x), network(x), rtol=1e-4, atol=1e-5)

    def export_refusal(self, component: Any) -> str:
        """Why `torch.export` cannot take the component; empty: it can."""
        return self.no_export

    def test_its_cost_is_counted(self, module: nn.Module, x: Tensor) -> None:
        """As a part of a network its parameters and MACs are found without computing; nothing is changed."""
        before, modes = _state(module), [part.training for part in module.modules()]
        counted = cost(nn.Sequential(module), tuple(x.shape))
        assert counted.params == sum(p.numel() for p in module.parameters())
        multiplies = any(isinstance(part, MULTIPLY) for part in module.modules())
        assert counted.macs > 0 or not multiplies, "it multiplies matrices and costs nothing"
        check_state(module, before)
        assert [part.training for part in module.modules()] == modes, "training and evaluation changed"


def backward(out: Tensor) -> None:
    """Gradients of a loss that tells all values of an output apart."""
    flat = out.float().reshape(-1)
    (flat * torch.linspace(-1, 1, flat.numel())).sum().backward()


def check_gradients(module: nn.Module) -> None:
    """Fail where a parameter has no gradient, or one that is not finite."""
    found = {name: p.grad for name, p in module.named_parameters()}
    missing = [name for name, grad in found.items() if grad is None]
    assert not missing, f"no gradient reaches {missing}"
    broken = [name for name, grad in found.items() if grad is not None and not torch.isfinite(grad).all()]
    assert not broken, f"gradients of {broken} are not finite"


def alike(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors of as many values point in one direction, or are both zero or empty."""
    one, other = one.double().flatten(), other.double().flatten()
    if not one.any() or not other.any():
        return not one.any() and not other.any()
    return bool(torch.cosine_similarity(one, other, dim=0) > COSINE)


def check_state(module: nn.Module, before: Mapping[str, Tensor]) -> None:
    """Fail where weights or buffers are not what they were, bit by bit."""
    changed = [name for name, tensor in _state(module).items() if not torch.equal(tensor, before[name])]
    assert not changed, f"{changed} changed"


def _state(module: nn.Module) -> dict[str, Tensor]:
    """Copies of weights and of all buffers, those too that no checkpoint holds."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def _values_and_slopes(module: nn.Module, x: Tensor, half: bool) -> tuple[Tensor, Tensor]:
    """The output, and the gradients of all parameters in one row, with the same random numbers each time."""
    module.zero_grad()
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        out = module(x)
    if out.requires_grad:
        backward(out)
    slopes = [p.grad.flatten().float() for p in module.parameters() if p.grad is not None]
    return out.detach().float(), torch.cat([torch.zeros(0), *slopes])


def _exported(network: nn.Module, x: Tensor) -> nn.Module | Exception:
    """What `torch.export` makes of a network, or why it makes nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own workings
        try:
            made: nn.Module = torch.export.export(network, (x,), strict=False).module()
        except Exception as error:  # torch raises what it likes
            return error
    return made
