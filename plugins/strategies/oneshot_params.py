"""Parameters of NNI's one-shot strategies; imported for listing and checking, hence light."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from skelbench.components import Params

from .params import Above0, Count


class ProxylessParams(Params):
    """ProxylessNAS (Cai et al., ICLR 2019), as NNI has it.

    Attributes:
        lr: Learning rate of the architecture weights (Adam).
        warmup_epochs: Epochs before these weights learn.
    """

    lr: Above0 = 3e-4
    warmup_epochs: Annotated[int, Field(ge=0)] = 0


class GumbelDartsParams(ProxylessParams):
    """DARTS with weights drawn by Gumbel softmax (Xie et al., ICLR 2019), as NNI has it.

    Attributes:
        temperature: Of the softmax in the first and towards the last epoch; low ones pick one option.
    """

    temperature: tuple[Above0, Above0] = (1.0, 0.33)

    @model_validator(mode="after")
    def _cools(self) -> Self:
        if self.temperature[0] < self.temperature[1]:
            raise ValueError(f"the temperature rises from {self.temperature[0]:g} to {self.temperature[1]:g}")
        return self


class RandomOneShotParams(Params):
    """Single-path one-shot (Guo et al., ECCV 2020): NNI trains the supernet on random paths.

    Attributes:
        evaluations: How many random architectures are then evaluated on it; all, where there are fewer.
    """

    evaluations: Count = 50
