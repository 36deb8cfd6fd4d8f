"""Mixture-of-experts blocks of transformers' models: their routers given over to a sampler, their experts computed grouped.

Works on any block with a `gate` (a top-k router with `weight` [experts, width]) and `experts` (stacked `gate_up_proj`,
`down_proj`): OLMoE, Qwen2-MoE, Qwen3-MoE, Mixtral.
"""

import functools

import torch
import torch.nn.functional as F


def blocks(model):
    """The model's mixture-of-experts blocks, in the order of their layers."""
    found = [m for m in model.modules() if hasattr(m, "gate") and hasattr(m, "experts") and hasattr(m.gate, "top_k")]
    if not found:
        raise ValueError(f"model: {type(model).__name__} has no mixture-of-experts block with a gate and experts")
    return found


class _Dispatch(torch.autograd.Function):
    """Rows of `h` [tokens, width] in the order of their experts; `inverse` undoes the order."""

    @staticmethod
    def forward(ctx, h, order, inverse, k):
        ctx.save_for_backward(inverse)
        ctx.k = k
        return h[order // k]

    @staticmethod
    def backward(ctx, grad):
        (inverse,) = ctx.saved_tensors
        return grad[inverse].view(-1, ctx.k, grad.shape[-1]).sum(1), None, None, None


class _Permute(torch.autograd.Function):
    """y[inverse], whose gradient is a gather too."""

    @staticmethod
    def forward(ctx, y, order, inverse):
        ctx.save_for_backward(order)
        return y[inverse]

    @staticmethod
    def backward(ctx, grad):
        (order,) = ctx.saved_tensors
        return grad[order], None, None


def _matmul(rows, weights, ends):
    """rows [n, in], sorted by expert, times weights [experts, out, in]; `ends`: where each expert's rows end."""
    if rows.is_cuda:
        return torch._grouped_mm(rows.bfloat16(), weights.bfloat16().transpose(1, 2), offs=ends)
    starts = [0, *ends.tolist()]
    return torch.cat([rows[a:b] @ w.T for a, b, w in zip(starts, starts[1:], weights, strict=False)])


class GroupedExperts:
    """Mixed into an experts module's class: each expert's tokens as one group, two grouped products in all."""

    def forward(self, hidden, ids, weights):
        tokens, k = ids.shape
        order = ids.reshape(-1).argsort(stable=True)
        inverse = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=order.device))
        counts = torch.histc(ids.float(), self.num_experts, 0, self.num_experts)
        ends = counts.cumsum(0).to(torch.int32)
        gate, up = _matmul(_Dispatch.apply(hidden, order, inverse, k), self.gate_up_proj, ends).chunk(2, -1)
        out = _Permute.apply(_matmul(self.act_fn(gate) * up, self.down_proj, ends), order, inverse)
        return (out.view(tokens, k, -1) * weights[..., None].to(out.dtype)).sum(1).to(hidden.dtype)


def mass_weights(probs, ids, selected, own, normalized):
    """Selected probabilities scaled to the mass of the model's own top_k, which is 1 where the model renormalises."""
    mass = 1.0 if normalized else probs.topk(own, -1)[0].sum(-1, keepdim=True)
    kept = probs.gather(-1, ids) * selected
    return kept / kept.sum(-1, keepdim=True) * mass


def balance_losses(log_probs, logits, ids, selected):
    """Load balance (Switch Transformer, arXiv 2101.03961, eq. 4, over the selected) and router z-loss (ST-MoE, eq. 5)."""
    num_experts = log_probs.shape[-1]
    counts = torch.zeros(num_experts, device=ids.device).index_add_(0, ids.reshape(-1), selected.reshape(-1).float())
    balance = num_experts * (counts / counts.sum() * log_probs.exp().mean(0)).sum()
    return balance, logits.logsumexp(-1).square().mean()


class ElasticRouter:
    """Mixed into a router's class: its sampler selects, weights by the rule `mass`, losses kept in `self.losses`."""

    def forward(self, hidden):
        hidden = hidden.reshape(-1, self.hidden_dim)
        with torch.autocast(hidden.device.type, enabled=False):
            logits = F.linear(hidden.float(), self.weight.float())
            log_probs = logits.log_softmax(-1)
            ids, selected = self.sampler.select(log_probs)
            weights = mass_weights(log_probs.exp(), ids, selected, self.top_k, self.normalized)
            if self.training:
                self.losses = balance_losses(log_probs, logits, ids, selected)
            self.mean_k = selected.sum(-1, dtype=torch.float32).mean()
        return logits, weights, ids


@functools.cache
def _mixed(mixin, cls):
    return type(mixin.__name__ + cls.__name__, (mixin, cls), {})


def _mix(module, mixin):
    if not isinstance(module, mixin):
        module.__class__ = _mixed(mixin, type(module))  # a class, not a bound method: compiled code is shared by layers


def _bare(module):
    """The module itself, without peft's wrappers around it."""
    while hasattr(module, "base_layer"):
        module = module.base_layer
    return module


def give_samplers(model, samplers):
    """Gives every block's router to its layer's sampler, and groups the experts."""
    for block, sampler in zip(blocks(model), samplers, strict=True):
        _mix(block.gate, ElasticRouter)
        _mix(_bare(block.experts), GroupedExperts)
        block.gate.normalized = getattr(block.gate, "norm_topk_prob", True)  # Mixtral always renormalises
        object.__setattr__(block.gate, "sampler", sampler)  # not a submodule: it is saved beside the model, not in it


def router_losses(model):
    """Mean over layers of (load balance, z-loss) of the last forward pass."""
    losses = [block.gate.losses for block in blocks(model)]
    return torch.stack([b for b, _ in losses]).mean(), torch.stack([z for _, z in losses]).mean()
