"""The fused kernel for CUDA tensors: libbhroute_cuda.so through ctypes, on raw pointers and PyTorch's current stream.

The library is built where the package is, with `pip install . --config-settings=cmake.define.BHROUTE_CUDA=ON` (nvcc needed), and links no
PyTorch, so it serves every version of it. BHROUTE_CUDA_LIBRARY names another place.
"""

from __future__ import annotations

import ctypes
import functools
import os
import pathlib
import weakref
from typing import TYPE_CHECKING

import torch

from bhroute import _core

if TYPE_CHECKING:
    from bhroute.policy import Policy

_MAX_EXPERTS = 512
_RULES = {"top_k": 0, "step_up": 1, "step_down": 2}
_STATISTICS = {"logit": 0, "log_prob": 1, "standardized": 2}
_SCALES = {"none": 0, "one": 1, "mass": 2}

_OUTPUTS = ("expert_ids", "routing_weights", "num_selected", "dense_weights", "expert_counts", "row_offsets", "row_pairs")
_POINTERS = ("logits", "critical_logits", "expert_nulls", *_OUTPUTS, "scratch", "stream")
_SIZES = ("num_tokens", "num_experts", "token_stride", "min_k", "max_k", "own_top_k")
_CHOICES = ("logit_type", "statistic", "weight_scale", "rule", "unselected")


class _Call(ctypes.Structure):
    """BhrouteCudaCall of python/src/cuda_library.cpp."""

    _fields_ = [*((name, ctypes.c_void_p) for name in _POINTERS), *((name, ctypes.c_int64) for name in _SIZES),
                ("temperature", ctypes.c_double), *((name, ctypes.c_int32) for name in _CHOICES)]


def _library() -> ctypes.CDLL:
    path = os.environ.get("BHROUTE_CUDA_LIBRARY") or pathlib.Path(__file__).with_name("libbhroute_cuda.so")
    try:
        library = ctypes.CDLL(os.fspath(path))
    except OSError as error:
        raise RuntimeError(f"bhroute: {path}: cannot be loaded ({error}), want the package built with "
                           "--config-settings=cmake.define.BHROUTE_CUDA=ON to route CUDA tensors") from error
    library.bhroute_cuda_route.restype = ctypes.c_char_p
    library.bhroute_cuda_num_scratch.restype = ctypes.c_int64
    library.bhroute_cuda_num_scratch.argtypes = [ctypes.c_int64, ctypes.c_int64]
    return library


class CudaKernel:
    """The loaded library, and what it must know of each policy's layers."""

    def __init__(self) -> None:
        self._library = _library()
        self._calls: weakref.WeakKeyDictionary[Policy, dict[int, _Call]] = weakref.WeakKeyDictionary()

    @staticmethod
    @functools.cache
    def shared() -> CudaKernel:
        return CudaKernel()

    def _fixed_part(self, policy: Policy, layer: int) -> _Call:
        calls = self._calls.setdefault(policy, {})
        if layer not in calls:
            program = _core.layer_program(policy, layer)
            calls[layer] = _Call(min_k=program.min_k, max_k=program.max_k, own_top_k=program.own_top_k,
                                 temperature=program.temperature, statistic=_STATISTICS[program.statistic],
                                 weight_scale=_SCALES[program.weight_scale], rule=_RULES[program.rule])
        return _Call.from_buffer_copy(calls[layer])

    def route(self, policy: Policy, layer: int, logits: torch.Tensor, logit_type: int, token_stride: int,
              critical_logits: torch.Tensor | None, expert_nulls: torch.Tensor | None, unselected: int,
              out: tuple[torch.Tensor, ...]) -> None:
        """Fills `out`, the operator's outputs, on the current stream."""
        num_tokens, num_experts = out[2].numel(), logits.shape[-1]
        if num_experts > _MAX_EXPERTS:
            raise NotImplementedError(f"bhroute::route on cuda: too many experts, got {num_experts}, want at most {_MAX_EXPERTS}")
        call = self._fixed_part(policy, layer)
        call.logits, call.logit_type, call.token_stride = logits.data_ptr(), logit_type, token_stride
        call.num_tokens, call.num_experts, call.unselected = num_tokens, num_experts, unselected
        if critical_logits is not None:
            call.critical_logits = critical_logits.data_ptr()
        if expert_nulls is not None:
            call.expert_nulls = expert_nulls.data_ptr()
        for name, tensor in zip(_OUTPUTS, out):
            setattr(call, name, tensor.data_ptr() or None)
        if out[4].numel() or out[5].numel():
            # From PyTorch's pool for this stream, so it may be given back before the kernel is done.
            scratch = logits.new_empty(self._library.bhroute_cuda_num_scratch(num_tokens, num_experts), dtype=torch.int32)
            call.scratch = scratch.data_ptr()
        with torch.cuda.device(logits.device):
            call.stream = torch.cuda.current_stream().cuda_stream
            error = self._library.bhroute_cuda_route(ctypes.byref(call))
        if error is not None:
            raise RuntimeError(f"bhroute::route on cuda: {error.decode()}")
