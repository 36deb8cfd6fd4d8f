"""Small random models of the four families that bhroute.transformers routes."""

import torch
import transformers

SIZES = {"vocab_size": 97, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": 1,
         "eos_token_id": None}
EXPERTS = {"num_experts": 16, "num_experts_per_tok": 4}
FAMILIES = {
    "OLMoE": lambda: transformers.OlmoeForCausalLM(transformers.OlmoeConfig(intermediate_size=48, **SIZES, **EXPERTS)),
    "Qwen2-MoE": lambda: transformers.Qwen2MoeForCausalLM(transformers.Qwen2MoeConfig(
        moe_intermediate_size=48, shared_expert_intermediate_size=16, **SIZES, **EXPERTS)),
    "Qwen3-MoE": lambda: transformers.Qwen3MoeForCausalLM(transformers.Qwen3MoeConfig(
        moe_intermediate_size=48, head_dim=8, norm_topk_prob=True, **SIZES, **EXPERTS)),
    "Mixtral": lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig(
        intermediate_size=48, num_local_experts=16, num_experts_per_tok=4, **SIZES)),
}


def make(family, implementation="eager", seed=0):
    """Routers are made steep, so that choices differ from token to token."""
    torch.manual_seed(seed)
    model = FAMILIES[family]().eval()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.normal_(std=1.0 if name.endswith("gate.weight") else 0.2) if weights.dim() > 1 else None
    model.set_experts_implementation(implementation)
    return model


def token_ids(batch=3, length=24, seed=1):
    return torch.randint(1, SIZES["vocab_size"], (batch, length), generator=torch.Generator().manual_seed(seed))


def logits_of(model, ids, **arguments):
    with torch.no_grad():
        return model(input_ids=ids, **arguments).logits
