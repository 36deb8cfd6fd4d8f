"""A GGUF of an OLMoE as a transformers checkpoint, quantised weights made float again.

    python -m bhroute.tools.gguf_to_transformers MODEL.gguf FOLDER [--dtype float32]

FOLDER gets config.json, model.safetensors and the tokenizer. transformers itself reads the GGUF of Qwen2-MoE and
Qwen3-MoE (`from_pretrained(folder, gguf_file=...)`), but not of OLMoE.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from transformers.initialization import no_init_weights

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

# GGUF's names -> transformers' names; gate and up experts become one tensor, see `expert_tensors`.
WHOLE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
         "output.weight": "lm_head.weight"}
OF_LAYER = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
            "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
            "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate_inp": "mlp.gate"}
# The pre-tokenizers that split as GPT-2 does.
GPT2_SPLIT = ("gpt-2", "olmo")


class ConversionError(ValueError):
    """One line: WHERE: what, got X, want Y."""


class GgufModel:
    """What a GGUF holds, by name. Errors: not a GGUF, a key or a tensor that is missing."""

    def __init__(self, path):
        self.path = Path(path)
        try:
            self.reader = gguf.GGUFReader(self.path)
        except (OSError, ValueError, IndexError) as error:
            raise ConversionError(f"{path}: not a readable GGUF: {error}") from error
        self._tensors = {tensor.name: tensor for tensor in self.reader.tensors}

    def get(self, key, default=None):
        field = self.reader.get_field(key)
        return default if field is None else field.contents()

    def need(self, key):
        value = self.get(key)
        if value is None:
            raise ConversionError(f"{self.path}: no key '{key}'")
        return value

    def tensor(self, name):
        """float32, dequantised, in numpy's order of dimensions (GGUF's reversed)."""
        if name not in self._tensors:
            raise ConversionError(f"{self.path}: no tensor '{name}'")
        stored = self._tensors[name]
        values = gguf.quants.dequantize(stored.data, stored.tensor_type)
        return torch.from_numpy(np.array(values, dtype=np.float32))


def make_config(model):
    """transformers' configuration. Errors: an architecture other than OLMoE."""
    architecture = model.need("general.architecture")
    if architecture != "olmoe":
        raise ConversionError(f"{model.path}: cannot convert this architecture, got {architecture}, want olmoe")

    def of(name):
        return model.need(f"olmoe.{name}")

    heads = of("attention.head_count")
    return transformers.OlmoeConfig(
        vocab_size=len(model.need("tokenizer.ggml.tokens")), hidden_size=of("embedding_length"),
        intermediate_size=of("feed_forward_length"), num_hidden_layers=of("block_count"),
        num_attention_heads=heads, num_key_value_heads=model.get("olmoe.attention.head_count_kv", heads),
        max_position_embeddings=of("context_length"), rms_norm_eps=of("attention.layer_norm_rms_epsilon"),
        rope_theta=model.get("olmoe.rope.freq_base", 10000.0), num_experts=of("expert_count"),
        num_experts_per_tok=of("expert_used_count"), norm_topk_prob=False, tie_word_embeddings=False,
        architectures=["OlmoeForCausalLM"], **special_tokens(model))


def special_tokens(model):
    eos = model.get("tokenizer.ggml.eos_token_id")
    return {"bos_token_id": model.get("tokenizer.ggml.bos_token_id"), "eos_token_id": eos,
            "pad_token_id": model.get("tokenizer.ggml.padding_token_id", eos)}


def expert_tensors(model, layer):
    """transformers holds gate and up as one [experts, 2 * width, hidden]."""
    place, name = f"blk.{layer}.ffn_", f"model.layers.{layer}.mlp.experts."
    gate_up = torch.cat([model.tensor(f"{place}{part}_exps.weight") for part in ("gate", "up")], dim=1)
    return {name + "gate_up_proj": gate_up, name + "down_proj": model.tensor(f"{place}down_exps.weight")}


def state_dict(model, num_layers, dtype=torch.float32):
    tensors = {new: model.tensor(old) for old, new in WHOLE.items()}
    for layer in range(num_layers):
        for old, new in OF_LAYER.items():
            tensors[f"model.layers.{layer}.{new}.weight"] = model.tensor(f"blk.{layer}.{old}.weight")
        tensors.update(expert_tensors(model, layer))
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def make_tokenizer(model):
    """A byte-level BPE from the GGUF's vocabulary and merges. Errors: another kind of tokenizer."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    kind = (model.need("tokenizer.ggml.model"), model.get("tokenizer.ggml.pre", "gpt-2"))
    if kind[0] != "gpt2" or kind[1] not in GPT2_SPLIT:
        raise ConversionError(f"{model.path}: cannot convert this tokenizer, got {kind[0]} {kind[1]}, "
                              f"want gpt2 with {' or '.join(GPT2_SPLIT)}")
    tokens = model.need("tokenizer.ggml.tokens")
    merges = [tuple(merge.split(" ")) for merge in model.need("tokenizer.ggml.merges")]
    made = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    control = [i for i, type_ in enumerate(model.get("tokenizer.ggml.token_type", [])) if type_ == gguf.TokenType.CONTROL]
    made.add_special_tokens([AddedToken(tokens[i], special=True, normalized=False) for i in control])
    names = {key.replace("_id", ""): tokens[i] for key, i in special_tokens(model).items() if i is not None}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **names)


def load(path, dtype=torch.float32):
    """(model, tokenizer) of a GGUF in memory, ready for use: no file is written."""
    source = GgufModel(path)
    config = make_config(source)
    with no_init_weights():
        made = transformers.OlmoeForCausalLM(config)
    made.load_state_dict(state_dict(source, config.num_hidden_layers, dtype), assign=True)
    made.config.dtype = dtype
    return made.eval(), make_tokenizer(source)


def convert(path, folder, dtype=torch.float32):
    """Writes the checkpoint; `folder` appears whole or not at all. Errors: it exists, or the GGUF's."""
    folder = Path(folder)
    if folder.exists():
        raise ConversionError(f"{folder}: exists already, want a new folder")
    model, tokenizer = load(path, dtype)
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        beside.chmod(0o755)
        os.rename(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="gguf_to_transformers", description=__doc__.splitlines()[0])
    parser.add_argument("gguf", help="the GGUF of an OLMoE")
    parser.add_argument("folder", help="to be made")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="of the weights (default %(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        convert(chosen.gguf, chosen.folder, DTYPES[chosen.dtype])
    except ConversionError as error:
        print(f"bhroute: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"bhroute: {chosen.folder}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"{chosen.gguf} -> {chosen.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
