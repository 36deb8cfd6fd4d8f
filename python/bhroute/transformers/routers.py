"""Where a model's routers are, and what a policy must know of them."""

import re
from dataclasses import dataclass

from torch import nn

import bhroute

# The router classes of transformers 5. All compute router_logits = hidden_states @ weight.T and return
# (router_logits, routing_weights, expert_ids) to the block that holds them and the experts.
ROUTERS = {"OlmoeTopKRouter", "Qwen2MoeTopKRouter", "Qwen3MoeTopKRouter", "MixtralTopKRouter"}
LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")


@dataclass(frozen=True)
class RouterPlace:
    """A router, its layer index as in the model's tensor names, and the experts beside it."""

    layer: int
    name: str
    router: nn.Module
    experts: nn.Module

    @property
    def num_experts(self):
        return self.router.num_experts

    @property
    def top_k(self):
        return self.router.top_k

    @property
    def normalizes_weights(self):
        """Mixtral always does, and has no setting for it."""
        return getattr(self.router, "norm_topk_prob", True)

    @property
    def rounds_weights(self):
        """Mixtral alone leaves its weights in float32 whatever the model's dtype."""
        return hasattr(self.router, "norm_topk_prob")


def find_routers(model):
    """Every router of the model, by layer. Errors: ValueError where there is none, or a name without a layer index."""
    places = [_place(model, name, module) for name, module in model.named_modules() if _is_router(module)]
    if not places:
        raise ValueError(f"{type(model).__name__}: no router found, want one of {', '.join(sorted(ROUTERS))}")
    return sorted(places, key=lambda place: place.layer)


def _is_router(module):
    return any(base.__name__ in ROUTERS for base in type(module).__mro__)


def _place(model, name, router):
    found = LAYER.search(name)
    if found is None:
        raise ValueError(f"{name}: no layer index in the router's name, want ...layers.<i>....")
    return RouterPlace(int(found.group(1)), name, router, model.get_submodule(name.rpartition(".")[0]).experts)


def make_policy(places, policy, table=None):
    """A bhroute.Policy for these routers. `policy`: one, or its short form, dict or file. Errors: ValueError for a
    policy that does not fit the model, or routers that are not alike."""
    if len({(place.num_experts, place.top_k, place.normalizes_weights) for place in places}) != 1:
        raise ValueError("routers: their numbers of experts or top_k differ, want all alike")
    first = places[0]
    if not isinstance(policy, bhroute.Policy):
        return bhroute.Policy(policy, num_experts=first.num_experts, top_k=first.top_k,
                              normalizes_weights=first.normalizes_weights, table=table)
    if (policy.num_experts, policy.top_k) != (first.num_experts, first.top_k):
        raise ValueError(f"policy: made for {policy.num_experts} experts and top_k {policy.top_k}, "
                         f"want {first.num_experts} and {first.top_k}")
    return policy
