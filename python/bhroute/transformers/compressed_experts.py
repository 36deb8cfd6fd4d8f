"""`grouped_mm` over the selected (token, expert) pairs, which the router has sorted by expert.

transformers' own sorts them once more and passes its copies, masks and sums over all slots, which costs as much as the matrix products save.
With many tokens nothing but the pairs is touched; the price is that the host must know how many there are, so it waits for the router once a
layer. With few, or where nothing may wait, every slot has a row, and those beyond the last pair are neither computed nor read.
"""

import torch
from torch.nn import functional

# With few tokens a wait a layer is dear and the slots cost little; where the two meet has not been measured.
FEWEST_TOKENS = 1024


def can_run(experts, hidden_states):
    """Not under compilation, nor experts of another form, nor few tokens that want gradients: those of rows that are not computed are noise."""
    if experts.config._experts_implementation != "grouped_mm" or torch.compiler.is_compiling():
        return False
    plain = experts.has_gate and not (experts.has_bias or experts.is_transposed or getattr(experts, "has_post_expert_norm", False))
    if not plain or not hasattr(functional, "grouped_mm"):
        return False
    return _may_wait(hidden_states) or not torch.is_grad_enabled()


def _may_wait(hidden_states):
    few = hidden_states.shape[0] < FEWEST_TOKENS
    return not few and not (hidden_states.is_cuda and torch.cuda.is_current_stream_capturing())


def run(experts, routing, hidden_states, routing_weights):
    """[tokens, hidden]. `routing`: with rows. The sum over a token's slots is in their order, zeros among them, as in
    transformers' own: the same bits."""
    own = _run_pairs if _may_wait(hidden_states) else _run_slots
    return own(experts, routing, hidden_states, routing_weights).to(hidden_states.dtype)


def _products(experts, inputs, offsets):
    inner = experts._apply_gate(functional.grouped_mm(inputs, experts.gate_up_proj.transpose(-2, -1), offs=offsets))
    return functional.grouped_mm(inner, experts.down_proj.transpose(-2, -1), offs=offsets)


def _run_pairs(experts, routing, hidden_states, routing_weights):
    tokens, slots = routing_weights.shape
    pairs = routing.row_pairs[: int(routing.row_offsets[-1])].long()  # waits
    inputs = hidden_states[pairs // slots].to(experts.gate_up_proj.dtype)
    outputs = _products(experts, inputs, routing.row_offsets[1:]) * routing_weights.flatten()[pairs, None]
    row_of_slot = pairs.new_full((tokens * slots,), len(pairs))
    row_of_slot[pairs] = torch.arange(len(pairs), device=pairs.device)
    outputs = torch.cat([outputs, outputs.new_zeros(1, outputs.shape[-1])])  # the last row: slots that are left out
    return outputs[row_of_slot].view(tokens, slots, -1).sum(dim=1)


def _run_slots(experts, routing, hidden_states, routing_weights):
    """Rows beyond the last pair have -1 for one: they read the last token and write to a row of their own behind all slots."""
    tokens, slots = routing_weights.shape
    pairs = routing.row_pairs
    inputs = hidden_states[pairs // slots].to(experts.gate_up_proj.dtype)
    outputs = _products(experts, inputs, routing.row_offsets[1:]) * routing_weights.flatten()[pairs, None]
    placed = outputs.new_zeros(tokens * slots + 1, outputs.shape[-1])
    placed[pairs] = outputs
    return placed[:-1].view(tokens, slots, -1).sum(dim=1)
