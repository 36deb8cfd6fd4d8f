"""Policies as Python writes them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from bhroute._core import BoundPolicy, RoutingDecision, Table

PolicyLike = str | os.PathLike[str] | Mapping[str, Any]


def _text(policy: PolicyLike) -> str:
    if isinstance(policy, Mapping):
        return json.dumps(dict(policy))
    return os.fspath(policy)


class Policy(BoundPolicy):
    """A rule with its parameters, bound to a model's router and, for rules that test p-values, to a table.

    `policy` is the short form ("bh:alpha=0.2,max_k=16"), a JSON file's path, or a dict of the JSON object's keys.
    `num_experts`, `top_k` and `normalizes_weights` are the model's. Without `table` the one that the policy names is
    opened; if it names none, the empirical fallback ranks logits within each call and a warning is logged.
    `reference=True` routes by the textbook in double: the oracle.
    """

    def __init__(self, policy: PolicyLike, *, num_experts: int, top_k: int, normalizes_weights: bool = False,
                 table: Table | None = None, reference: bool = False) -> None:
        super().__init__(_text(policy), num_experts=num_experts, top_k=top_k, normalizes_weights=normalizes_weights,
                         table=table, reference=reference)

    @classmethod
    def of(cls, rule: str, *, num_experts: int, top_k: int, normalizes_weights: bool = False,
           table: Table | None = None, reference: bool = False, **parameters: Any) -> Policy:
        """Policy.of("bh", alpha=0.2, max_k=16, num_experts=64, top_k=8)"""
        return cls({"rule": rule, **parameters}, num_experts=num_experts, top_k=top_k,
                   normalizes_weights=normalizes_weights, table=table, reference=reference)

    @property
    def spec(self) -> dict[str, Any]:
        """The policy's JSON object."""
        return dict(json.loads(self.spec_json))


def route(logits: Any, policy: PolicyLike, *, layer: int = 0, top_k: int | None = None,
          normalizes_weights: bool = False, table: Table | None = None, dense_weights: bool = False,
          stats: bool = False, allow_unroutable: bool = False) -> RoutingDecision:
    """Routes one batch, float32 [tokens, experts] or [batch, seq, experts]. To route many, keep a Policy.

    `top_k` is the model's own, needed for weights=mass only.
    """
    num_experts = int(logits.shape[-1])
    bound = Policy(policy, num_experts=num_experts, top_k=min(8, num_experts) if top_k is None else top_k,
                   normalizes_weights=normalizes_weights, table=table)
    return bound.route(logits, layer, dense_weights=dense_weights, stats=stats, allow_unroutable=allow_unroutable)
