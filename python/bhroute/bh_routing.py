"""The interface of the original system, `bh_routing`, on this library: change `import bh_routing` to
`from bhroute import bh_routing`.

Torch tensors of any device and float dtype come in and go out. Router logits are [num_tokens, num_experts] or
[batch_size, seq_len, num_experts]; a result has the same leading dimensions. What differs from the original is listed
in docs/python/original_interface.md.
"""

from collections.abc import Mapping

import numpy as np
import torch

import bhroute
from bhroute.torch import Router

__all__ = ["OLMoERouterPatcher", "benjamini_hochberg_routing", "compute_pvalues_empirical", "compute_pvalues_kde",
           "compute_routing_statistics", "load_kde_models", "run_bh_multi_k", "topk_routing"]

_EPS = torch.finfo(torch.float32).eps  # p-values are float32 whatever the logits are


def load_kde_models(models_dir=None):
    """{layer: {'x': float64 [G], 'cdf': float64 [G]}} of a folder of `distribution_model_layer_<i>.pkl`.

    Without a folder: the first that has any of $BHROUTE_KDE_DIR, ./kde_models/models, ../kde_models/models; {} where
    there is none. The files are read as data, never executed, and read anew whenever they have changed.
    Errors: ValueError for a damaged file or a folder without any.
    """
    table = bhroute.Table.find_kde() if models_dir is None else bhroute.Table.import_kde(str(models_dir))
    if table is None:
        return {}
    nulls = {layer: table.null(layer) for layer in table.layers}
    return {layer: {"x": np.asarray(null.x), "cdf": np.asarray(null.cdf)} for layer, null in nulls.items()}


def compute_pvalues_kde(router_logits, layer_idx=0, kde_models=None):
    """p = 1 - CDF(logit) by linear interpolation, within [eps, 1 - eps] of float32: a float32 tensor like the logits.

    Where the layer has no curve: compute_pvalues_empirical. NaN stays NaN.
    """
    table = _table_of(_models(kde_models), layer_idx)
    if table is None:
        return compute_pvalues_empirical(router_logits)
    return _clamped(table.p_values(_rows(router_logits), layer_idx), router_logits)


def compute_pvalues_empirical(router_logits):
    """p by ranks within the call, where there is no table: among the tokens of an expert, or for one token among its
    experts. Depends on what else is in the call. A float32 tensor like the logits, within [eps, 1 - eps]."""
    return _clamped(bhroute.empirical_p_values(_rows(router_logits)), router_logits)


def benjamini_hochberg_routing(router_logits, alpha=0.05, temperature=1.0, min_k=1, max_k=16, layer_idx=0,
                               kde_models=None, return_stats=False, logger=None, log_every_n_tokens=100,
                               sample_idx=0, token_idx=0):
    """(routing_weights, selected_experts, expert_counts), and stats after them on request.

    routing_weights [..., num_experts] in the logits' dtype: softmax(logits / temperature) over the selected experts,
    summing to 1. selected_experts int64 [..., max_k], by p-value, then logit, then index, padded with -1.
    expert_counts int64 [...]: the Benjamini-Hochberg step-up's count, within [min_k, max_k].
    stats: selected_mask, num_selected, p_values, critical_values, alpha, temperature, layer_idx, kde_available.
    `logger` gets log_routing_decision(dict) if token_idx is a multiple of log_every_n_tokens: of the token at that
    place of the call (of sequence sample_idx, where there are several).
    A NaN logit is never selected; a token of NaNs gets no expert. Errors: ValueError for bounds and shapes.
    """
    models = _models(kde_models)
    rows = _rows(router_logits)
    table = _table_of(models, layer_idx)
    router = _router(table, layer_idx, alpha, temperature, min_k, max_k, rows.shape[-1])
    result = _route(router, router_logits, rows, table is not None, max_k)
    is_logged = logger is not None and token_idx % log_every_n_tokens == 0
    stats = None
    if return_stats or is_logged:
        p_values = compute_pvalues_kde(router_logits, layer_idx, models)
        stats = _stats(p_values, result, alpha, temperature, layer_idx, table is not None)
    if is_logged:
        _log_decision(logger, router_logits, result, stats, sample_idx, token_idx, min_k, max_k)
    return (*result, stats) if return_stats else result


def topk_routing(router_logits, k=8, temperature=1.0, normalize=True):
    """The fixed top-k beside it: (routing_weights [..., num_experts], selected_experts int64 [..., k], counts [...])."""
    _check_shape(router_logits)
    if not 1 <= k <= router_logits.shape[-1]:
        raise ValueError(f"k: got {k}, want 1 to {router_logits.shape[-1]}")
    scores = torch.softmax(router_logits / temperature, dim=-1)
    chosen, ids = torch.topk(scores, k, dim=-1)
    if normalize:
        chosen = chosen / chosen.sum(dim=-1, keepdim=True)
    weights = torch.zeros_like(scores).scatter_(-1, ids, chosen)
    return weights, ids, torch.full(router_logits.shape[:-1], k, dtype=torch.long, device=router_logits.device)


def run_bh_multi_k(router_logits, max_k_values=None, alpha=0.05, temperature=1.0, min_k=1, layer_idx=0, kde_models=None):
    """{max_k: (routing_weights, selected_experts, expert_counts)}; max_k_values None = [8, 16, 32, 64]."""
    models = _models(kde_models)
    return {max_k: benjamini_hochberg_routing(router_logits, alpha, temperature, min_k, max_k, layer_idx, models)
            for max_k in (max_k_values or [8, 16, 32, 64])}


def compute_routing_statistics(routing_weights, expert_counts):
    """mean_experts, std_experts (of a sample; 0 for one token), min_experts, max_experts, sparsity (share of weights
    that are 0), weight_entropy (mean over tokens of -sum w log w, nats)."""
    counts = expert_counts.double().flatten()
    weights = routing_weights.double()
    entropy = torch.special.entr(weights).sum(dim=-1)
    return {"mean_experts": counts.mean().item(), "std_experts": counts.std().item() if len(counts) > 1 else 0.0,
            "min_experts": int(counts.min()), "max_experts": int(counts.max()),
            "sparsity": (weights == 0).double().mean().item(), "weight_entropy": entropy.mean().item()}


class OLMoERouterPatcher:
    """Routes a transformers model by Benjamini-Hochberg with weights that sum to 1, as the original does.

    Any model that bhroute.transformers knows. `stats` has, after a run with collect_stats, one entry a layer.
    """

    def __init__(self, model):
        from bhroute.transformers import find_routers

        self.model = model
        self.moe_blocks = [place.name for place in find_routers(model)]
        self._patch = None

    @property
    def patched(self):
        return self._patch is not None and self._patch.active

    def patch_with_bh(self, alpha=0.05, temperature=1.0, min_k=1, max_k=8, collect_stats=True):
        """By the tables that load_kde_models finds, or their fallback. Patching again replaces the parameters."""
        from bhroute import transformers

        self.unpatch()
        policy = {"rule": "bh", "alpha": alpha, "temperature": temperature, "min_k": min_k, "max_k": max_k,
                  "weights": "renormalized", "clamp_p_values": True}
        self._patch = transformers.patch(self.model, policy, table=bhroute.Table.find_kde(), statistics=collect_stats)
        return self

    @property
    def stats(self):
        """{layer: {mean_experts, sd, min, max, ...}}, as bhroute.transformers has them; {} without collect_stats."""
        return {} if self._patch is None else {entry["layer"]: entry for entry in self._patch.statistics()}

    def unpatch(self):
        """Back to the model's own routing. `stats` stay."""
        if self.patched:
            self._patch.unpatch()


def _check_shape(router_logits):
    if not isinstance(router_logits, torch.Tensor) or not router_logits.is_floating_point():
        raise TypeError(f"router_logits: got {getattr(router_logits, 'dtype', type(router_logits).__name__)}, "
                        "want a tensor of floats")
    if router_logits.dim() not in (2, 3):
        raise ValueError(f"router_logits: got shape {list(router_logits.shape)}, want [num_tokens, num_experts] or "
                         "[batch_size, seq_len, num_experts]")


def _rows(router_logits):
    """float32 [tokens, experts] in the CPU's memory; a view where it can be."""
    _check_shape(router_logits)
    return router_logits.detach().reshape(-1, router_logits.shape[-1]).to("cpu", torch.float32).contiguous()


def _clamped(p_values, like):
    p = torch.from_numpy(np.asarray(p_values)).to(torch.float32).clamp(_EPS, 1 - _EPS)
    return p.reshape(like.shape).to(like.device)


def _models(kde_models):
    if kde_models is None:
        return load_kde_models()
    if not isinstance(kde_models, Mapping):
        raise TypeError(f"kde_models: got {type(kde_models).__name__}, want a dict of layers, as load_kde_models returns")
    return kde_models


def _table_of(models, layer_idx):
    """One layer's curve; None where there is none. Made anew for each call: quicker than to tell whether it changed."""
    model = models.get(layer_idx)
    if model is None:
        return None
    x, cdf = (np.ascontiguousarray(model[key], dtype=np.float64) for key in ("x", "cdf"))
    return bhroute.Table.from_grids({layer_idx: (x, cdf)})


def _router(table, layer_idx, alpha, temperature, min_k, max_k, num_experts):
    if max_k < min_k:
        raise ValueError(f"max_k: got {max_k}, want at least min_k, {min_k}")
    spec = {"rule": "bh", "alpha": float(alpha), "temperature": float(temperature), "min_k": int(min_k),
            "max_k": min(int(max_k), num_experts), "weights": "renormalized", "clamp_p_values": True}
    return Router(bhroute.Policy(spec, num_experts=num_experts, top_k=1, table=table), layer_idx)


def _route(router, router_logits, rows, has_table, max_k):
    """The fallback ranks the tokens of a call against each other: the CPU does it, wherever the logits are."""
    on_device = has_table and router_logits.dtype != torch.float64
    routed = router(router_logits.detach().reshape(rows.shape).contiguous() if on_device else rows, dense=True)
    where, shape = router_logits.device, router_logits.shape[:-1]
    ids = routed.expert_ids.to(where, torch.long).reshape(*shape, -1)
    ids = torch.nn.functional.pad(ids, (0, max_k - ids.shape[-1]), value=-1)
    weights = routed.dense_weights.to(where, router_logits.dtype).reshape(router_logits.shape)
    return weights, ids, routed.num_selected.to(where, torch.long).reshape(shape)


def _stats(p_values, result, alpha, temperature, layer_idx, kde_available):
    _, ids, counts = result
    num_experts = p_values.shape[-1]
    mask = torch.zeros(*p_values.shape[:-1], num_experts + 1, dtype=torch.bool, device=ids.device)
    mask.scatter_(-1, ids.where(ids >= 0, num_experts), True)
    critical = torch.from_numpy(np.asarray(bhroute.bh_critical_values(num_experts, alpha))).to(ids.device, torch.float32)
    return {"selected_mask": mask[..., :num_experts], "num_selected": counts, "p_values": p_values,
            "critical_values": critical, "alpha": alpha, "temperature": temperature, "layer_idx": layer_idx,
            "kde_available": kde_available}


def _log_decision(logger, router_logits, result, stats, sample_idx, token_idx, min_k, max_k):
    """Nothing where the call has no token at that place."""
    place = (token_idx,) if router_logits.dim() == 2 else (sample_idx, token_idx)
    if any(index >= size for index, size in zip(place, router_logits.shape)):
        return
    _, ids, counts = result
    p_values = stats["p_values"][place].cpu()
    logger.log_routing_decision({
        "sample_idx": sample_idx, "token_idx": token_idx, "layer_idx": stats["layer_idx"],
        "router_logits": router_logits[place].detach().float().cpu().numpy(), "p_values": p_values.numpy(),
        "selected_experts": ids[place].tolist(), "num_selected": int(counts[place]), "alpha": stats["alpha"],
        "min_k": min_k, "max_k": max_k, "sorted_p_values": p_values.sort().values.numpy()})
