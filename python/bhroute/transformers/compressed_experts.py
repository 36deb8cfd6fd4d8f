"""`grouped_mm` over the selected (token, expert) pairs alone, which the router has sorted by expert.

transformers' own passes its copies, masks and sums over all slots, which costs as much as the matrix products save. The price is that the
host must know how many pairs there are, so it waits for the router once a layer.
"""

import torch
from torch.nn import functional

# With few tokens a wait a layer is dear and the slots cost little; where the two meet has not been measured.
FEWEST_TOKENS = 1024


def is_worth_it(experts, hidden_states):
    """Not where nothing may wait (compilation, capture of a CUDA graph), nor for experts of another form."""
    if experts.config._experts_implementation != "grouped_mm" or hidden_states.shape[0] < FEWEST_TOKENS:
        return False
    plain = experts.has_gate and not (experts.has_bias or experts.is_transposed or experts.has_post_expert_norm)
    if not plain or not hasattr(functional, "grouped_mm") or torch.compiler.is_compiling():
        return False
    return not (hidden_states.is_cuda and torch.cuda.is_current_stream_capturing())


def run(experts, routing, hidden_states, routing_weights):
    """[tokens, hidden]. `routing`: with rows. The sum over a token's slots is in their order, zeros among them, as in
    transformers' own: the same bits."""
    tokens, slots = routing_weights.shape
    pairs = routing.row_pairs[: int(routing.row_offsets[-1])].long()  # waits
    offsets = routing.row_offsets[1:]
    inputs = hidden_states[pairs // slots].to(experts.gate_up_proj.dtype)
    inner = experts._apply_gate(functional.grouped_mm(inputs, experts.gate_up_proj.transpose(-2, -1), offs=offsets))
    outputs = functional.grouped_mm(inner, experts.down_proj.transpose(-2, -1), offs=offsets)
    outputs = outputs * routing_weights.flatten()[pairs, None]
    row_of_slot = pairs.new_full((tokens * slots,), len(pairs))
    row_of_slot[pairs] = torch.arange(len(pairs), device=pairs.device)
    outputs = torch.cat([outputs, outputs.new_zeros(1, outputs.shape[-1])])  # the last row: slots that are left out
    return outputs[row_of_slot].view(tokens, slots, -1).sum(dim=1).to(hidden_states.dtype)
