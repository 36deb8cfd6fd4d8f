"""OLMoE between transformers and GGUF: the names of tensors and of settings, both ways."""

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, LlamaFileType, TokenType, quants
from transformers import OlmoeConfig

ARCHITECTURE = "olmoe"
TOP = {"model.embed_tokens.weight": "token_embd.weight", "lm_head.weight": "output.weight",
       "model.norm.weight": "output_norm.weight"}
LAYER = {"input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "ffn_norm.weight",
         "self_attn.q_norm.weight": "attn_q_norm.weight", "self_attn.k_norm.weight": "attn_k_norm.weight",
         "self_attn.q_proj.weight": "attn_q.weight", "self_attn.k_proj.weight": "attn_k.weight",
         "self_attn.v_proj.weight": "attn_v.weight", "self_attn.o_proj.weight": "attn_output.weight",
         "mlp.gate.weight": "ffn_gate_inp.weight", "mlp.experts.down_proj": "ffn_down_exps.weight"}
FUSED = "mlp.experts.gate_up_proj"  # two tensors in GGUF
FILE_TYPES = {"f32": LlamaFileType.ALL_F32, "f16": LlamaFileType.MOSTLY_F16, "q8_0": LlamaFileType.MOSTLY_Q8_0}


def tensors(state, num_layers):
    """(GGUF name, array) of every tensor, from a transformers state dict."""
    numpy = lambda name: np.ascontiguousarray(state[name].float().cpu().numpy())
    for name, target in TOP.items():
        yield target, numpy(name)
    for layer in range(num_layers):
        for name, target in LAYER.items():
            yield f"blk.{layer}.{target}", numpy(f"model.layers.{layer}.{name}")
        gate, up = np.split(numpy(f"model.layers.{layer}.{FUSED}"), 2, axis=1)
        yield f"blk.{layer}.ffn_gate_exps.weight", np.ascontiguousarray(gate)
        yield f"blk.{layer}.ffn_up_exps.weight", np.ascontiguousarray(up)


def state_dict(arrays, num_layers):
    """The transformers state dict of a GGUF's arrays."""
    state = {name: arrays[target] for name, target in TOP.items()}
    for layer in range(num_layers):
        blk, prefix = f"blk.{layer}.", f"model.layers.{layer}."
        state |= {prefix + name: arrays[blk + target] for name, target in LAYER.items()}
        pair = [arrays[blk + f"ffn_{part}_exps.weight"] for part in ("gate", "up")]
        state[prefix + FUSED] = np.concatenate(pair, axis=1)
    return {name: torch.from_numpy(np.array(array, dtype=np.float32)) for name, array in state.items()}


def read(path):
    """(OlmoeConfig, state dict) of a GGUF file of the architecture olmoe, dequantised to float32."""
    reader = GGUFReader(path)
    field = lambda key: reader.fields[key].contents()
    architecture = field("general.architecture")
    if architecture != ARCHITECTURE:
        raise ValueError(f"{path}: architecture, got {architecture}, want {ARCHITECTURE}")
    own = lambda key: field(f"{ARCHITECTURE}.{key}")
    arrays = {t.name: quants.dequantize(t.data, t.tensor_type) for t in reader.tensors}
    config = OlmoeConfig(
        vocab_size=arrays["token_embd.weight"].shape[0], hidden_size=own("embedding_length"),
        intermediate_size=own("feed_forward_length"), num_hidden_layers=own("block_count"),
        num_attention_heads=own("attention.head_count"), num_key_value_heads=own("attention.head_count_kv"),
        max_position_embeddings=own("context_length"), rms_norm_eps=own("attention.layer_norm_rms_epsilon"),
        rope_theta=own("rope.freq_base"), num_experts=own("expert_count"), num_experts_per_tok=own("expert_used_count"),
        norm_topk_prob=False, tie_word_embeddings=False, bos_token_id=0, eos_token_id=0, pad_token_id=0)
    return config, state_dict(arrays, config.num_hidden_layers)


def _rope_base(config):
    parameters = getattr(config, "rope_parameters", None) or {}
    return float(parameters.get("rope_theta", getattr(config, "rope_theta", 10000.0)))


def _write_settings(writer, config, kind):
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_freq_base(_rope_base(config))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_expert_count(config.num_experts)
    writer.add_expert_used_count(config.num_experts_per_tok)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(FILE_TYPES[kind])


def _write_tokenizer(writer, fields, vocab_size):
    tokens, types = [f"[UNUSED{n}]" for n in range(vocab_size)], [TokenType.UNUSED] * vocab_size
    for text, token in fields["model"]["vocab"].items():
        tokens[token], types[token] = text, TokenType.NORMAL
    types[0] = TokenType.CONTROL  # begins and ends
    merges = [" ".join(m) if isinstance(m, list) else m for m in fields["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)


def _write_tensor(writer, name, array, kind):
    plain = array.ndim < 2 or "ffn_gate_inp" in name  # norms and routers stay in float32
    if kind == "q8_0" and not plain:
        data = quants.quantize(array, GGMLQuantizationType.Q8_0)
        writer.add_tensor(name, data, raw_dtype=GGMLQuantizationType.Q8_0)
    else:
        writer.add_tensor(name, array.astype(np.float16) if kind == "f16" and not plain else array)


def write(path, config, state, tokenizer, kind, about):
    """A GGUF of `kind` (f32, f16, q8_0), whole or not at all; `about`: name, description, license."""
    if config.norm_topk_prob:
        raise ValueError(f"{path}: llama.cpp's olmoe does not renormalise, got norm_topk_prob true, want false")
    partial = path.with_suffix(".partial")
    writer = GGUFWriter(partial, ARCHITECTURE)
    writer.add_name(about["name"])
    writer.add_description(about["description"])
    writer.add_license(about["license"])
    _write_settings(writer, config, kind)
    _write_tokenizer(writer, tokenizer, config.vocab_size)
    for name, array in tensors(state, config.num_hidden_layers):
        _write_tensor(writer, name, array, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.rename(path)
