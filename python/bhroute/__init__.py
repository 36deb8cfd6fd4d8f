"""Adaptive expert routing for mixture-of-experts models.

Tables of null distributions, p-values, multiple testing and policies on numpy arrays and CPU tensors, without copies:

    table = bhroute.Table.load("table.safetensors")
    policy = bhroute.Policy("bh:alpha=0.2,max_k=16", num_experts=64, top_k=8, table=table)
    decision = policy.route(logits, layer=0)          # float32 [tokens, experts]
    decision.expert_ids, decision.routing_weights, decision.num_selected

`bhroute.torch` has the operator for PyTorch, `bhroute.transformers` the models of transformers, `bhroute.bh_routing` the
original system's interface. Wrong arguments raise ValueError or TypeError, work that failed RuntimeError.
"""

from bhroute._core import (
    Calibrator,
    LayerProgram,
    Null,
    RoutingDecision,
    RoutingStats,
    Table,
    TestResult,
    active_isa,
    bh_critical_values,
    clamp_p_value,
    compute_statistic,
    empirical_p_values,
    force_isa,
    layer_program,
    procedure_names,
    set_log,
    supported_isas,
    test,
    version,
)
from bhroute.policy import Policy, route

__all__ = [
    "Calibrator", "LayerProgram", "Null", "Policy", "RoutingDecision", "RoutingStats", "Table", "TestResult",
    "__version__", "active_isa", "bh_critical_values", "clamp_p_value", "compute_statistic", "empirical_p_values",
    "force_isa", "layer_program", "procedure_names", "route", "set_log", "supported_isas", "test", "version",
]

__version__ = version()


def _log(severity: str, message: str) -> None:
    import logging

    logging.getLogger("bhroute").log(logging.WARNING if severity == "warning" else logging.INFO, "%s", message)


set_log(_log)
