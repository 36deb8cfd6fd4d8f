"""Models: made from a configuration, read from a folder of transformers or a GGUF file, saved."""

import json
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from . import gguf_olmoe


def from_config(path, seed):
    """A model of random weights; the file holds a transformers configuration."""
    fields = json.loads(Path(path).read_text())
    config = AutoConfig.for_model(**fields)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    initialize(model)
    return model


def initialize(model):
    """Weights of variance 1 / inputs, outputs to the residual stream smaller by sqrt(2 layers)."""
    depth = (2 * model.config.num_hidden_layers) ** -0.5
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            continue
        scale = 0.05 if "embed_tokens" in name else weight.shape[-1] ** -0.5
        if name.endswith("o_proj.weight"):
            scale *= depth
        elif name.endswith("experts.down_proj"):
            scale *= 2 * depth
        torch.nn.init.normal_(weight, std=scale)


def load(path):
    """A float32 model from a .gguf of the architecture olmoe, or a folder written by save_pretrained."""
    path = Path(path)
    if path.suffix == ".gguf":
        config, state = gguf_olmoe.read(path)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.load_state_dict(state, strict=True)
        return model
    return AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)


def active_parameters(model):
    """Parameters that multiply a token: all but embeddings and the experts beyond top_k."""
    total = 0
    for name, weight in model.named_parameters():
        if ".experts." in name:
            total += weight.numel() * model.config.num_experts_per_tok // weight.shape[0]
        elif "embed_tokens" not in name:
            total += weight.numel()
    return total


def flops_per_token(model, context):
    """Floating-point operations of training on one token: 6 a parameter, and causal attention forward and backward."""
    config = model.config
    return 6 * active_parameters(model) + 6 * config.num_hidden_layers * config.hidden_size * context
