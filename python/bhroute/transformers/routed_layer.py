"""One layer's router, replaced by a policy."""

import warnings

import torch
from torch.nn import functional

from bhroute.torch import Router
from bhroute.transformers import compressed_experts
from bhroute.transformers.layer_counts import LayerCounts

# The experts implementations that leave out an id of num_experts; None is transformers' word for eager.
SKIPPING = {"grouped_mm", "eager", None}
# On it, grouped_mm masks the rows that it does not compute. Without it they are summed as they come.
FLAG = "_is_expert_parallel"

_told = set()


class RoutedLayer:
    """Its `forward` takes the place of the router's, its `run_experts` of the experts'. Nothing is changed before install()."""

    def __init__(self, place, policy, collect):
        self.place = place
        spec, max_k = _spec_of(policy, place.layer), policy.max_k(place.layer)
        self.bounds = (spec.get("min_k", max_k), max_k)
        self.counts = LayerCounts(place.num_experts, collect)
        self._route = Router(policy, place.layer)
        self._is_own = _is_own_routing(spec, place.top_k)
        self._routed = None

    def install(self):
        router, experts = self.place.router, self.place.experts
        self._own_forward, self._own_experts = router.forward, experts.forward
        self._had = [module.__dict__.get("forward") for module in (router, experts)]
        self._flag = experts.__dict__.get(FLAG)
        router.forward = self.forward
        experts.forward = self.run_experts
        if self._flag is not None:
            setattr(experts, FLAG, True)

    def restore(self):
        for module, had in zip((self.place.router, self.place.experts), self._had):
            if had is None:
                del module.forward
            else:
                module.forward = had
        if self._flag is not None:
            setattr(self.place.experts, FLAG, self._flag)

    def forward(self, hidden_states):
        """What the router returns: (router_logits, routing_weights, expert_ids), now max_k wide."""
        if self._is_own:
            logits, weights, ids = self._own_forward(hidden_states)
            self.counts.add(ids, None)
            return logits, weights, ids
        router = self.place.router
        logits = functional.linear(hidden_states.reshape(-1, router.hidden_dim), router.weight)
        rows = compressed_experts.can_run(self.place.experts, logits)
        routed = self._route(logits.detach(), unselected=self._unselected(), rows=rows)
        self._routed = routed if rows else None  # for the experts, which the block calls next
        self.counts.add(routed.expert_ids, routed.num_selected)
        dtype = logits.dtype if self.place.rounds_weights else torch.float32
        return logits, routed.routing_weights.to(dtype), routed.expert_ids.long()

    def run_experts(self, hidden_states, expert_ids, routing_weights):
        routed, self._routed = self._routed, None
        if routed is None:
            return self._own_experts(hidden_states, expert_ids, routing_weights)
        return compressed_experts.run(self.place.experts, routed, hidden_states, routing_weights)

    def _unselected(self):
        """What fills the slots that are not selected: an id that is skipped, or ids that are computed for nothing."""
        implementation = self.place.experts.config._experts_implementation
        if self._flag is None:
            return _distinct("transformers before 5.19 has no flag for experts that are left out")
        if implementation in SKIPPING:
            return "num_experts"
        return _distinct(f"experts implementation '{implementation}' cannot skip experts ('grouped_mm' and 'eager' can: "
                         "model.set_experts_implementation)")


def _distinct(reason):
    if reason not in _told:
        _told.add(reason)
        warnings.warn(f"{reason}: those not selected are computed with weight 0", stacklevel=4)
    return "distinct"


def _spec_of(policy, layer):
    return {**policy.spec, **policy.spec.get("layers", {}).get(str(layer), {})}


def _is_own_routing(spec, top_k):
    """Then the router itself is asked, whose choice among equal logits is its own."""
    own = {"rule": "top_k", "k": top_k, "weights": "native", "temperature": 1.0}
    return all(spec[key] == value for key, value in own.items() if key in spec) and spec["rule"] == "top_k"
