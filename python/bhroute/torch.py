"""The routing decision as one PyTorch operator, torch.ops.bhroute.route: CPU, CUDA and meta tensors.

    router = bhroute.torch.Router(policy, layer=3)
    out = router(router_logits, unselected="num_experts", rows=True)

It never waits for the GPU and allocates nothing but its outputs, so it works inside torch.compile and CUDA graphs. CPU
tensors go through the C++ kernels, every rule; CUDA tensors through the fused kernel, the rules that compile to critical
logits (bhroute.layer_program), with one null a layer or one an expert.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray

from bhroute import _core
from bhroute._cuda import CudaKernel
from bhroute.policy import Policy

UNSELECTED = ("-1", "num_experts", "distinct")
_TYPES = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}

# The operator's arguments must be plain values for torch.compile, so a policy goes by a number. A Router keeps it alive.
_policies: weakref.WeakValueDictionary[int, Policy] = weakref.WeakValueDictionary()
_num_policies = 0


class Routing(NamedTuple):
    """What Router returns. T tokens, N experts; leading dimensions are those of the logits; None = not asked for."""

    expert_ids: torch.Tensor  #: int32 [..., max_k], in the policy's order; then what `unselected` says
    routing_weights: torch.Tensor  #: float32 [..., max_k], 0 where unselected
    num_selected: torch.Tensor  #: int32 [...]; 0 where every logit is NaN
    dense_weights: torch.Tensor | None  #: float32 [..., N]
    expert_counts: torch.Tensor | None  #: int32 [N]: how many tokens selected each expert
    row_offsets: torch.Tensor | None  #: int32 [N + 1]: where each expert's pairs begin in row_pairs
    row_pairs: torch.Tensor | None  #: int32 [T * max_k]: token * max_k + slot, expert by expert, tokens rising; then -1


def _register(policy: Policy) -> int:
    global _num_policies
    _num_policies += 1
    _policies[_num_policies] = policy
    return _num_policies


def _policy(handle: int) -> Policy:
    policy = _policies.get(handle)
    if policy is None:
        raise RuntimeError(f"bhroute::route: no such policy, got handle {handle}, want that of a living Router")
    return policy


def _check(logits: torch.Tensor, policy: Policy, unselected: str) -> None:
    if logits.dtype not in _TYPES:
        raise TypeError(f"router_logits: wrong dtype, got {logits.dtype}, want float32, bfloat16 or float16")
    if logits.dim() not in (2, 3):
        raise ValueError(f"router_logits: wrong number of dimensions, got {logits.dim()}, want [T, N] or [B, S, N]")
    if logits.shape[-1] != policy.num_experts:
        raise ValueError(f"router_logits: wrong number of experts, got {logits.shape[-1]}, want {policy.num_experts}")
    if unselected not in UNSELECTED:
        raise ValueError(f"unselected: got {unselected!r}, want one of {', '.join(UNSELECTED)}")


def _token_stride(logits: torch.Tensor) -> int:
    """Rows may lie apart, but evenly, and their logits side by side."""
    if logits.shape[-1] > 1 and logits.stride(-1) != 1:
        raise ValueError("router_logits: a token's logits do not lie side by side, got strides "
                         f"{tuple(logits.stride())}, want a last stride of 1 (.contiguous() makes one)")
    if logits.dim() == 2 or logits.shape[0] == 1:
        return int(logits.stride(-2))
    if logits.shape[1] == 1:
        return int(logits.stride(0))
    if logits.stride(0) != logits.stride(1) * logits.shape[1]:
        raise ValueError("router_logits: rows are not evenly spaced, got strides "
                         f"{tuple(logits.stride())}, want a view that reshapes to [T, N] (.contiguous() makes one)")
    return int(logits.stride(1))


def _outputs(logits: torch.Tensor, policy: Policy, layer: int, dense: bool, counts: bool,
             rows: bool) -> tuple[torch.Tensor, ...]:
    leading, n = logits.shape[:-1], logits.shape[-1]
    max_k = policy.max_k(layer)

    def new(shape: tuple[int, ...], dtype: torch.dtype = torch.int32) -> torch.Tensor:
        return logits.new_empty(shape, dtype=dtype)

    num_pairs = leading.numel() * max_k if rows else 0
    return (new((*leading, max_k)), new((*leading, max_k), torch.float32), new(tuple(leading)),
            new((*leading, n) if dense else (0,), torch.float32), new((n if counts else 0,)),
            new((n + 1 if rows else 0,)), new((num_pairs,)))


def _route_cpu(logits: torch.Tensor, critical_logits: torch.Tensor | None, expert_nulls: torch.Tensor | None, policy: int,
               layer: int, unselected: str, dense: bool, counts: bool, rows: bool) -> tuple[torch.Tensor, ...]:
    bound = _policy(policy)
    _check(logits, bound, unselected)
    out = _outputs(logits, bound, layer, dense, counts, rows)
    addresses = [tensor.data_ptr() for tensor in out]
    _core.route_raw(bound, layer, logits.data_ptr(), _TYPES[logits.dtype], out[2].numel(), _token_stride(logits),
                    UNSELECTED.index(unselected), *addresses)
    return out


def _route_cuda(logits: torch.Tensor, critical_logits: torch.Tensor | None, expert_nulls: torch.Tensor | None, policy: int,
                layer: int, unselected: str, dense: bool, counts: bool, rows: bool) -> tuple[torch.Tensor, ...]:
    bound = _policy(policy)
    _check(logits, bound, unselected)
    out = _outputs(logits, bound, layer, dense, counts, rows)
    CudaKernel.shared().route(bound, layer, logits, _TYPES[logits.dtype], _token_stride(logits), critical_logits,
                              expert_nulls, UNSELECTED.index(unselected), out)
    return out


def _route_meta(logits: torch.Tensor, critical_logits: torch.Tensor | None, expert_nulls: torch.Tensor | None, policy: int,
                layer: int, unselected: str, dense: bool, counts: bool, rows: bool) -> tuple[torch.Tensor, ...]:
    bound = _policy(policy)
    _check(logits, bound, unselected)
    return _outputs(logits, bound, layer, dense, counts, rows)


_library = torch.library.Library("bhroute", "DEF")
_library.define("route(Tensor logits, Tensor? critical_logits, Tensor? expert_nulls, int policy, int layer, "
                "str unselected, bool dense, bool counts, bool rows) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
                tags=(torch.Tag.pt2_compliant_tag,))
_library.impl("route", _route_cpu, "CPU")
_library.impl("route", _route_cuda, "CUDA")
torch.library.register_fake("bhroute::route", _route_meta, lib=_library)


class Router:
    """A policy on one layer, as a callable on router logits.

    `policy` belongs to the model and table whose logits come in. The first call on a CUDA device copies the layer's critical
    logits, and its nulls where every expert has one of its own, there; later calls touch no host memory. prepare() does it
    ahead, which a graph's capture or torch.compile needs.
    """

    def __init__(self, policy: Policy, layer: int = 0) -> None:
        self.policy = policy
        self.layer = layer
        self.max_k = policy.max_k(layer)
        self.handle = _register(policy)
        self._constants: dict[torch.device, tuple[torch.Tensor | None, torch.Tensor | None]] = {}

    def prepare(self, device: torch.device | str) -> Router:
        """Copies to `device`, with its index ("cuda:0"), what the kernel reads there."""
        self.constants(torch.device(device))
        return self

    def constants(self, device: torch.device) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """On `device`: the critical logits, float32 [1 or N, N], and the experts' own nulls, float64; None for rules without.

        NotImplementedError where the GPU's kernel cannot follow.
        """
        if device not in self._constants:
            self._constants[device] = self._copy_constants(device)
        return self._constants[device]

    def _copy_constants(self, device: torch.device) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        try:
            program = _core.layer_program(self.policy, self.layer)
        except ValueError as error:
            raise NotImplementedError(f"bhroute::route on {device.type}: {error}") from error

        def copied(values: NDArray[Any] | None) -> torch.Tensor | None:
            return None if values is None else torch.tensor(values, device=device)

        return copied(program.critical_logits), copied(program.expert_nulls)

    def __call__(self, router_logits: torch.Tensor, *, unselected: str = "-1", dense: bool = False, counts: bool = False,
                 rows: bool = False) -> Routing:
        critical, nulls = self.constants(router_logits.device) if router_logits.is_cuda else (None, None)
        ids, weights, num, dense_weights, expert_counts, offsets, pairs = torch.ops.bhroute.route(
            router_logits, critical, nulls, self.handle, self.layer, unselected, dense, counts, rows)
        return Routing(ids, weights, num, dense_weights if dense else None, expert_counts if counts else None,
                       offsets if rows else None, pairs if rows else None)
