"""The mixture-of-experts architectures of llama.cpp that the tests run, as keys and tensors of a GGUF.

Each function gives an architecture's name in the file, its keys (without the prefix `<architecture>.`) and its tensors.
What llama.cpp asks for is in its src/models/*.cpp, in load_arch_hparams and load_arch_tensors.
"""

import dataclasses
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Shape:
    layers: int
    experts: int
    top_k: int
    d_model: int
    expert_ff: int
    heads: int


@dataclasses.dataclass(frozen=True)
class Tensor:
    name: str
    shape: tuple[int, ...]  # as in numpy: the contiguous dimension last
    kind: str = "matrix"    # matrix (in the model's type), router, norm, bias (in F32)


@dataclasses.dataclass(frozen=True)
class Architecture:
    name: str
    keys: dict[str, int | float | bool]
    tensors: list[Tensor]


def norm(name: str, size: int) -> Tensor:
    return Tensor(f"{name}.weight", (size,), "norm")


def common_keys(shape: Shape) -> dict[str, int | float | bool]:
    return {
        "context_length": 2048, "embedding_length": shape.d_model, "block_count": shape.layers,
        "feed_forward_length": shape.expert_ff, "attention.head_count": shape.heads,
        "attention.head_count_kv": shape.heads, "attention.layer_norm_rms_epsilon": 1e-5,
        "rope.dimension_count": shape.d_model // shape.heads, "expert_count": shape.experts,
        "expert_used_count": shape.top_k,
    }


def attention(block: str, shape: Shape) -> Iterator[Tensor]:
    yield norm(f"{block}.attn_norm", shape.d_model)
    for part in ("q", "k", "v", "output"):
        yield Tensor(f"{block}.attn_{part}.weight", (shape.d_model, shape.d_model))


def router(block: str, shape: Shape) -> Tensor:
    return Tensor(f"{block}.ffn_gate_inp.weight", (shape.experts, shape.d_model), "router")


def experts(block: str, shape: Shape, merged: bool = False) -> Iterator[Tensor]:
    if merged:
        yield Tensor(f"{block}.ffn_gate_up_exps.weight", (shape.experts, 2 * shape.expert_ff, shape.d_model))
    else:
        for part in ("gate", "up"):
            yield Tensor(f"{block}.ffn_{part}_exps.weight", (shape.experts, shape.expert_ff, shape.d_model))
    yield Tensor(f"{block}.ffn_down_exps.weight", (shape.experts, shape.d_model, shape.expert_ff))


def feed_forward(block: str, suffix: str, d_model: int, d_ff: int) -> Iterator[Tensor]:
    for part in ("gate", "up"):
        yield Tensor(f"{block}.ffn_{part}{suffix}.weight", (d_ff, d_model))
    yield Tensor(f"{block}.ffn_down{suffix}.weight", (d_model, d_ff))


def blocks(shape: Shape) -> Iterator[str]:
    return (f"blk.{i}" for i in range(shape.layers))


def plain(name: str, shape: Shape, keys: dict, extra=lambda block: ()) -> Architecture:
    """Attention, a norm, a router, its experts; `extra` adds what one architecture has besides."""
    tensors = []
    for block in blocks(shape):
        tensors += [*attention(block, shape), norm(f"{block}.ffn_norm", shape.d_model), router(block, shape),
                    *experts(block, shape), *extra(block)]
    return Architecture(name, common_keys(shape) | keys, tensors)


def olmoe(shape: Shape) -> Architecture:
    return plain("olmoe", shape, {}, lambda block: [norm(f"{block}.attn_{part}_norm", shape.d_model) for part in "qk"])


def qwen3moe(shape: Shape) -> Architecture:
    head = shape.d_model // shape.heads
    return plain("qwen3moe", shape, {"expert_feed_forward_length": shape.expert_ff},
                 lambda block: [norm(f"{block}.attn_{part}_norm", head) for part in "qk"])


def qwen2moe(shape: Shape) -> Architecture:
    """With a shared expert and its own gate."""
    def extra(block):
        yield Tensor(f"{block}.ffn_gate_inp_shexp.weight", (shape.d_model,), "bias")
        yield from feed_forward(block, "_shexp", shape.d_model, 2 * shape.expert_ff)
    return plain("qwen2moe", shape, {"expert_feed_forward_length": shape.expert_ff,
                                     "expert_shared_feed_forward_length": 2 * shape.expert_ff}, extra)


def mixtral(shape: Shape) -> Architecture:
    return plain("llama", shape, {})


def granite_moe(shape: Shape) -> Architecture:
    return plain("granitemoe", shape, {"logit_scale": 2.0, "residual_scale": 0.5, "embedding_scale": 3.0,
                                       "attention.scale": 0.2})


def gpt_oss(shape: Shape) -> Architecture:
    """Softmax over the selected alone, biases on router and experts, attention sinks, a sliding window."""
    tensors = []
    for block in blocks(shape):
        tensors += [*attention(block, shape), norm(f"{block}.post_attention_norm", shape.d_model),
                    Tensor(f"{block}.attn_output.bias", (shape.d_model,), "bias"),
                    Tensor(f"{block}.attn_sinks.weight", (shape.heads,), "bias"),
                    router(block, shape), Tensor(f"{block}.ffn_gate_inp.bias", (shape.experts,), "bias"),
                    *experts(block, shape)]
        for part, size in (("gate", shape.expert_ff), ("up", shape.expert_ff), ("down", shape.d_model)):
            tensors.append(Tensor(f"{block}.ffn_{part}_exps.bias", (shape.experts, size), "bias"))
    return Architecture("gpt-oss", common_keys(shape) | {"expert_feed_forward_length": shape.expert_ff,
                                                         "attention.sliding_window": 128}, tensors)


def latent_attention(block: str, shape: Shape, head: int, rank: int, split: bool) -> Iterator[Tensor]:
    """DeepSeek's: queries and keys of `head` values with and `head` without position, through low ranks. `split` as
    newer files have it, with the key's and the value's part apart."""
    yield norm(f"{block}.attn_norm", shape.d_model)
    yield norm(f"{block}.attn_q_a_norm", rank)
    yield norm(f"{block}.attn_kv_a_norm", rank)
    yield Tensor(f"{block}.attn_q_a.weight", (rank, shape.d_model))
    yield Tensor(f"{block}.attn_q_b.weight", (shape.heads * 2 * head, rank))
    yield Tensor(f"{block}.attn_kv_a_mqa.weight", (rank + head, shape.d_model))
    if split:
        yield Tensor(f"{block}.attn_k_b.weight", (shape.heads, rank, head), "bias")  # F32: rows too short to quantise
        yield Tensor(f"{block}.attn_v_b.weight", (shape.heads, head, rank))
    else:
        yield Tensor(f"{block}.attn_kv_b.weight", (shape.heads * 2 * head, rank))
    yield Tensor(f"{block}.attn_output.weight", (shape.d_model, shape.heads * head))


def deepseek(shape: Shape, split: bool, merged: bool, keys: dict, selection_bias: bool) -> Architecture:
    """A dense first layer, then experts beside one shared expert."""
    head = shape.d_model // shape.heads
    rank = shape.d_model // 2
    tensors = []
    for i, block in enumerate(blocks(shape)):
        tensors += [*latent_attention(block, shape, head, rank, split), norm(f"{block}.ffn_norm", shape.d_model)]
        if i == 0:
            tensors += feed_forward(block, "", shape.d_model, 2 * shape.expert_ff)
            continue
        tensors += [router(block, shape), *experts(block, shape, merged),
                    *feed_forward(block, "_shexp", shape.d_model, shape.expert_ff)]
        if selection_bias:
            tensors.append(Tensor(f"{block}.exp_probs_b.bias", (shape.experts,), "bias"))
    lengths = {"attention.head_count_kv": 1, "attention.key_length": rank + head, "attention.value_length": rank,
               "attention.key_length_mla": 2 * head, "attention.value_length_mla": head} if split else {
                   "attention.key_length": 2 * head, "attention.value_length": head}
    return Architecture("deepseek2", common_keys(shape) | lengths | keys | {
        "feed_forward_length": 2 * shape.expert_ff, "expert_feed_forward_length": shape.expert_ff,
        "leading_dense_block_count": 1, "expert_shared_count": 1, "rope.dimension_count": head,
        "attention.q_lora_rank": rank, "attention.kv_lora_rank": rank}, tensors)


def deepseek_v2(shape: Shape, merged: bool = False) -> Architecture:
    return deepseek(shape, False, merged, {"expert_weights_scale": 4.0}, False)


def deepseek_v2_merged(shape: Shape) -> Architecture:
    return deepseek_v2(shape, merged=True)


def deepseek_v3(shape: Shape) -> Architecture:
    """Sigmoid probabilities, a bias that only the selection sees, expert groups, normalised and scaled weights."""
    return deepseek(shape, True, False, {
        "expert_gating_func": 2, "expert_weights_norm": True, "expert_weights_scale": 2.5,
        "expert_group_count": 4, "expert_group_used_count": 2}, True)


ARCHITECTURES = {
    "olmoe": olmoe, "qwen3moe": qwen3moe, "qwen2moe": qwen2moe, "mixtral": mixtral, "granite-moe": granite_moe,
    "gpt-oss": gpt_oss, "deepseek-v2": deepseek_v2, "deepseek-v2-merged": deepseek_v2_merged,
    "deepseek-v3": deepseek_v3,
}
