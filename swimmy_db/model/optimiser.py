"""Adam as Keras computes it, which the paper trained with (section 3.1)."""

import math

import torch


class KerasAdam(torch.optim.Adam):
    """Adam whose epsilon stands beside the uncorrected sqrt(v), as in Keras ("epsilon hat" of Kingma and Ba).

    torch adds epsilon after the correction of v's bias, which makes it 32 times smaller in the first step; for weights
    of small gradients the first steps would differ by up to the learning rate (docs/real-sky.md). Keras's own is
    torch's with epsilon / sqrt(1 - beta2**step).
    """

    def __init__(self, parameters, lr: float, epsilon: float = 1e-7) -> None:
        super().__init__(parameters, lr=lr, eps=epsilon)
        self.epsilon = epsilon

    def step(self, closure=None):
        for group in self.param_groups:
            moments = self.state.get(group["params"][0]) or {}
            step = float(moments.get("step", 0)) + 1
            group["eps"] = self.epsilon / math.sqrt(-math.expm1(step * math.log(group["betas"][1])))
        return super().step(closure)
