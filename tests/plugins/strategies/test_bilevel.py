"""The gradients of a bilevel problem, against its true objective."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skelbench_plugins.strategies.bilevel import (
    Difference,
    exact_product,
    first_order,
    gradient,
    moved,
    relative_error,
    second_order,
)

SEEDS = st.integers(0, 10_000)
XI = 0.1


class Network:
    """A small network, nonlinear in w and in alpha, with several tensors w, in double precision."""

    def __init__(self, seed):
        generator = torch.Generator().manual_seed(seed)

        def drawn(*shape):
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.alphas = [drawn(3).requires_grad_(), drawn(2, 2).requires_grad_()]
        self.shared = [(0.5 * w).requires_grad_() for w in (drawn(4, 3), drawn(4), drawn(2, 4))]
        self.batches = {name: (drawn(5, 3), drawn(5, 2)) for name in ("train", "validation")}

    def loss(self, batch, alphas, shared):
        x, y = self.batches[batch]
        first, bias, second = shared
        hidden = torch.tanh((x * alphas[0].softmax(0)) @ first.T + bias)
        out = torch.sin(hidden @ second.T) @ alphas[1].softmax(1)
        return (out - y).square().mean() + 0.1 * hidden.square().mean() * alphas[0].exp().sum()

    def train_loss(self):
        return self.loss("train", self.alphas, self.shared)

    def validation_loss(self):
        return self.loss("validation", self.alphas, self.shared)

    def first_order(self):
        return first_order(self.validation_loss, self.alphas)

    def second_order(self, product=Difference(0.01)):
        return second_order(self.train_loss, self.validation_loss, self.alphas, self.shared, XI, product)

    def objective(self, alphas):
        """L_val(w - xi * grad_w L_train(w, alpha), alpha), without a word of how it is differentiated."""
        slopes = torch.autograd.grad(self.loss("train", alphas, self.shared), self.shared)
        ahead = [w - XI * slope for w, slope in zip(self.shared, slopes, strict=True)]
        return self.loss("validation", alphas, ahead).item()

    def differences(self, step=1e-5):
        """The central differences of the objective in every alpha."""
        out = [torch.zeros_like(alpha) for alpha in self.alphas]
        for i, alpha in enumerate(self.alphas):
            for place in range(alpha.numel()):
                values = []
                for sign in (1, -1):
                    moved_to = [a.detach().clone() for a in self.alphas]
                    moved_to[i].view(-1)[place] += sign * step
                    values.append(self.objective(moved_to))
                out[i].view(-1)[place] = (values[0] - values[1]) / (2 * step)
        return out


def flat(tensors):
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def distance(found, expected):
    """Relative to the length of what is expected."""
    return float((flat(found) - flat(expected)).norm() / flat(expected).norm())


@given(SEEDS)
def test_first_order_is_the_gradient_of_the_validation_loss(seed):
    network = Network(seed)
    expected = torch.autograd.grad(network.validation_loss(), network.alphas)
    assert torch.equal(flat(network.first_order()), flat(expected))


@settings(max_examples=40)
@given(SEEDS)
def test_second_order_is_the_gradient_of_the_bilevel_objective(seed):
    network = Network(seed)
    expected = network.differences()
    assert distance(network.second_order(), expected) < 1e-4
    assert distance(network.first_order(), expected) > 5e-3


@settings(max_examples=40)
@given(SEEDS)
def test_second_order_errs_by_the_square_of_its_step_alone(seed):
    network = Network(seed)
    slopes = torch.autograd.grad(network.train_loss(), network.shared, create_graph=True)
    ahead = [w - XI * slope for w, slope in zip(network.shared, slopes, strict=True)]
    exact = torch.autograd.grad(network.loss("validation", network.alphas, ahead), network.alphas)
    assert distance(network.second_order(), exact) < 1e-4
    assert distance(network.second_order(Difference(0.001)), exact) < 1e-6
    found = network.second_order(exact_product)
    assert distance(found, exact) < 1e-12, "twice differentiated it takes no step"
    assert relative_error(network.second_order(), found) == pytest.approx(
        distance(network.second_order(), found), rel=1e-6
    )


def test_without_a_learning_rate_both_orders_are_the_same():
    network = Network(0)
    found = second_order(
        network.train_loss, network.validation_loss, network.alphas, network.shared, 0.0, Difference(0.01)
    )
    assert torch.equal(flat(found), flat(network.first_order()))


@given(SEEDS)
def test_w_is_left_bit_by_bit_as_it_was(seed):
    network = Network(seed)
    before = [w.detach().clone() for w in network.shared]
    network.first_order()
    network.second_order()
    for w, kept in zip(network.shared, before, strict=True):
        assert torch.equal(w.detach().view(torch.int64), kept.view(torch.int64))
    assert all(tensor.grad is None for tensor in [*network.shared, *network.alphas])
    assert all(tensor.requires_grad for tensor in [*network.shared, *network.alphas])


@pytest.mark.parametrize("calls", range(4))
def test_w_is_put_back_when_a_loss_fails(calls):
    network = Network(0)
    before = [w.detach().clone() for w in network.shared]
    left = iter(range(calls))

    def failing(loss):
        if next(left, None) is None:
            raise FloatingPointError("out of numbers")
        return loss()

    with pytest.raises(FloatingPointError):
        second_order(
            lambda: failing(network.train_loss),
            lambda: failing(network.validation_loss),
            network.alphas,
            network.shared,
            XI,
            Difference(0.01),
        )
    assert all(torch.equal(w, kept) for w, kept in zip(network.shared, before, strict=True))


def test_losses_see_w_where_it_was_moved_to():
    w = torch.tensor([0.1, 0.2], requires_grad=True)
    with moved([w], [torch.tensor([1.0, -1.0])], 0.5):
        assert torch.allclose(w.detach(), torch.tensor([0.6, -0.3]))
    assert w.tolist() == torch.tensor([0.1, 0.2]).tolist()


def test_a_loss_that_does_not_depend_on_an_input_has_no_slope_in_it():
    used, idle = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    slopes = gradient(lambda: (2 * used).sum(), [used, idle])
    assert [slope.tolist() for slope in slopes] == [[2, 2], [0, 0, 0]]


@pytest.mark.parametrize("product", [Difference(0.01), exact_product])
def test_where_validation_does_not_depend_on_w_there_is_no_correction(product):
    alpha, w = torch.tensor([2.0], requires_grad=True), torch.tensor([3.0], requires_grad=True)
    found = second_order(lambda: (alpha * w).sum(), lambda: alpha.square().sum(), [alpha], [w], 0.5, product)
    assert found[0].item() == 4.0
