"""Bindings of the C++ library; import bhroute instead."""

from collections.abc import Callable, Mapping, Sequence
import os
from typing import Annotated, Any

import numpy
import numpy.typing
from numpy.typing import NDArray


def version() -> str:
    """The library's version."""

def set_log(sink: Callable[[str, str], object] | None) -> None:
    """
    Gives every message of the library to sink(severity, message), severity "info" or "warning"; None = silence. By default they go to logging's logger "bhroute".
    """

def supported_isas() -> list[str]:
    """Instruction sets the kernels can use here, best first."""

def active_isa() -> str:
    """The one the next call uses."""

def force_isa(name: str) -> None:
    """
    Forces one of supported_isas() for the process; "" returns to the best.
    """

class TestResult:
    """
    Every intermediate value of one multiple-testing procedure over N p-values.
    """

    @property
    def p_values(self) -> NDArray[numpy.float64]:
        """float64 [N], as given"""

    @property
    def order(self) -> NDArray[numpy.uint64]:
        """uint64 [N]: hypotheses by rising p"""

    @property
    def critical_values(self) -> NDArray[numpy.float64]:
        """float64 [N], c_k at [k-1]; empty where there are none"""

    @property
    def adjusted_p_values(self) -> NDArray[numpy.float64]:
        """float64 [N]; empty where there are none"""

    @property
    def scores(self) -> NDArray[numpy.float64]:
        """e-values or HC(i) by rank; else empty"""

    @property
    def mask(self) -> NDArray[numpy.uint8]:
        """uint8 [N], 1 = rejected"""

    @property
    def num_rejections(self) -> int: ...

def test(procedure: str, p_values: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)], *, alpha: float = 0.05, lambda_: float = 0.5, kappa: float = 0.5, beta: float = 0.5) -> TestResult:
    """Runs one of procedure_names() over p_values [N]."""

def procedure_names() -> list[str]:
    """bh, by, storey, ..."""

def bh_critical_values(num_hypotheses: int, alpha: float) -> NDArray[numpy.float64]:
    """c_k = (k/N)*alpha, float64 [N], as statsmodels computes them."""

def clamp_p_value(p: float) -> float:
    """p kept in [eps, 1 - eps], eps of float32."""

def empirical_p_values(logits: Annotated[NDArray, dict(device='cpu', writable=False)]) -> NDArray[numpy.float64]:
    """
    The fallback without a table: ranks among the call's tokens (of one token: among its experts). float64, the shape of logits.
    """

class Null:
    """
    The null distribution of one layer, or of one expert of it: counts, a grid, or both.
    """

    def p_values(self, values: Annotated[NDArray[numpy.float32], dict(order='C', device='cpu', writable=False)]) -> NDArray[numpy.float64]:
        """Right-tail p-values, float64, of values of the statistic (float32)."""

    @property
    def values(self) -> NDArray[numpy.float32] | None:
        """Distinct calibration values, rising, or None"""

    @property
    def counts(self) -> NDArray[numpy.uint64] | None:
        """How often each came, or None"""

    @property
    def x(self) -> NDArray[numpy.float64] | None:
        """The grid of the CDF, or None"""

    @property
    def cdf(self) -> NDArray[numpy.float64] | None:
        """The CDF on that grid, or None"""

class Table:
    """
    The null distributions of a model's layers, with what they were made from. Immutable.
    """

    @staticmethod
    def load(path: str | os.PathLike) -> Table:
        """
        Opens a .safetensors table or a folder of the original system's pickles; nothing in those is executed.
        """

    @staticmethod
    def from_grids(grids: Mapping[int, tuple[numpy.typing.ArrayLike, numpy.typing.ArrayLike]]) -> Table:
        """
        A table of {layer: (x, cdf)}, float64 arrays of one length: x strictly rising, cdf within [0, 1] and not falling.
        """

    @staticmethod
    def import_kde(folder: str | os.PathLike, expected_layers: Sequence[int] = []) -> Table:
        """Reads distribution_model_layer_<i>.pkl."""

    @staticmethod
    def find_kde(expected_layers: Sequence[int] = []) -> Table | None:
        """
        The pickles in $BHROUTE_KDE_DIR, ./kde_models/models or ../kde_models/models; None, with a warning, where there are none.
        """

    def merge(self, other: Table) -> Table:
        """The table of both calibration sets together."""

    def save(self, path: str | os.PathLike) -> None:
        """Writes the .safetensors file, whole or not at all."""

    def export_kde(self, folder: str | os.PathLike) -> None:
        """Writes one pickle a layer, as the original system reads them."""

    @property
    def metadata(self) -> dict[str, Any]:
        """What the table was made from."""

    @property
    def layers(self) -> list[int]:
        """The indices of its layers."""

    def null(self, layer: int, expert: int = 0) -> Null:
        """The null distribution of a layer (of an expert of it)."""

    def p_values(self, logits: Annotated[NDArray, dict(device='cpu', writable=False)], layer: int) -> NDArray[numpy.float64]:
        """
        Reference p-values, float64, of router logits float32 [tokens, experts] or [batch, seq, experts].
        """

    def critical_logits(self, layer: int, critical_values: Annotated[NDArray[numpy.float64], dict(shape=(None,), order='C', device='cpu', writable=False)]) -> NDArray[numpy.float32]:
        """
        float32 [1 or experts, len(critical_values)]: the smallest float that passes each rank, NaN where none does.
        """

class Calibrator:
    """
    Counts router logits, layer by layer, and makes the table: the same bytes as `bhroute calibrate`.
    """

    def __init__(self, num_experts: int, top_k: int, *, null: str = 'all', pooling: str = 'pooled', statistic: str = 'logit', form: str = 'conformal', resolution: str = 'float32', smoothing: str | None = None, bandwidth: float | str = 'scott', grid_size: int = 10000, reservoir_rows: int = 0, reservoir_seed: int = 1) -> None:
        """
        top_k is the model's own. null: all, unselected, trimmed:N; pooling: pooled, per_expert; statistic: logit, log_prob, standardized; form: conformal, gridded; smoothing: None or a kernel's name, bandwidth: scott, silverman or a number.
        """

    def add(self, layer: int, logits: Annotated[NDArray, dict(device='cpu', writable=False)]) -> None:
        """Counts float32 logits [tokens, experts] or [batch, seq, experts]."""

    @property
    def num_tokens(self) -> int:
        """Of the layer that saw the most."""

    def finish(self, *, model_name: str = '', model_sha256: str = '', text_sha256: str = '', command: str = '', num_layers: int = 0) -> Table:
        """The table of what was counted so far."""

def compute_statistic(statistic: str, logits: Annotated[NDArray, dict(device='cpu', writable=False)]) -> NDArray[numpy.float32]:
    """
    The number that is tested, float32, the shape of logits: logit, log_prob or standardized.
    """

class RoutingStats:
    """
    The intermediate values of a decision. Leading dimensions are those of the logits.
    """

    @property
    def p_values(self) -> NDArray[numpy.float64]:
        """float64 [..., experts]; empty where the rule tests none"""

    @property
    def critical_values(self) -> NDArray[numpy.float64]:
        """float64 [experts], c_k at [k-1]; empty where there are none"""

    @property
    def selected_mask(self) -> NDArray[numpy.uint8]:
        """uint8 [..., experts], 1 = selected"""

    @property
    def layer(self) -> int: ...

    @property
    def table_available(self) -> bool:
        """False: the empirical fallback made the p-values"""

class RoutingDecision:
    """
    What routing returns. Arrays are views of it; leading dimensions are those of the logits.
    """

    @property
    def expert_ids(self) -> NDArray[numpy.int32]:
        """
        int32 [..., max_k]: p-value ascending, then logit descending, then index; padded with -1
        """

    @property
    def routing_weights(self) -> NDArray[numpy.float32]:
        """float32 [..., max_k], 0 in the padding"""

    @property
    def num_selected(self) -> NDArray[numpy.int32]:
        """int32 [...]"""

    @property
    def dense_routing_weights(self) -> NDArray[numpy.float32] | None:
        """float32 [..., experts], or None if not asked for"""

    @property
    def stats(self) -> RoutingStats | None:
        """The intermediate values, or None if not asked for"""

    @property
    def num_nan_logits(self) -> int: ...

    @property
    def unroutable_tokens(self) -> list[int]:
        """Tokens whose every logit is NaN."""

def canonical_policy(policy: str) -> str:
    """The policy's JSON object, as text."""

class BoundPolicy:
    """
    A rule with its parameters, bound to a model and a table. Immutable; route() may run in several threads.
    """

    def __init__(self, policy: str, *, num_experts: int, top_k: int, normalizes_weights: bool = False, table: Table | None = None, reference: bool = False) -> None: ...

    @property
    def spec_json(self) -> str: ...

    @property
    def rule(self) -> str: ...

    @property
    def num_experts(self) -> int: ...

    @property
    def top_k(self) -> int:
        """The model's own."""

    @property
    def normalizes_weights(self) -> bool: ...

    @property
    def table(self) -> Table | None: ...

    def max_k(self, layer: int = 0) -> int:
        """The row width of a layer's decisions."""

    def route(self, logits: Annotated[NDArray, dict(device='cpu', writable=False)], layer: int = 0, *, dense_weights: bool = False, stats: bool = False, allow_unroutable: bool = False) -> RoutingDecision:
        """
        Routes float32 logits [tokens, experts] or [batch, seq, experts]. allow_unroutable: a token of NaNs is left empty instead of an error.
        """

    def run_bh_multi_k(self, logits: Annotated[NDArray, dict(device='cpu', writable=False)], max_ks: Sequence[int], layer: int = 0) -> list[RoutingDecision]:
        """One decision for each max_k from one pass of p-values."""

class LayerProgram:
    """A policy on one layer, as a kernel on another device needs it."""

    @property
    def rule(self) -> str:
        """top_k, step_up or step_down"""

    @property
    def min_k(self) -> int: ...

    @property
    def max_k(self) -> int: ...

    @property
    def statistic(self) -> str: ...

    @property
    def critical_logits(self) -> NDArray[numpy.float32] | None:
        """float32 [1 or experts, experts]; None for top_k"""

    @property
    def expert_nulls(self) -> NDArray[numpy.float64] | None:
        """
        float64, one null an expert as the GPU's kernel reads them; None where pooled
        """

    @property
    def temperature(self) -> float: ...

    @property
    def weight_scale(self) -> str:
        """none, one or mass"""

    @property
    def own_top_k(self) -> int: ...

def layer_program(policy: BoundPolicy, layer: int = 0) -> LayerProgram: ...

def route_raw(policy: BoundPolicy, layer: int, logits: int, type: int, num_tokens: int, token_stride: int, unselected: int, expert_ids: int, routing_weights: int, num_selected: int, dense: int, counts: int, offsets: int, pairs: int) -> None:
    """
    The operator's call on addresses; type 0 float32, 1 bf16, 2 f16; unselected 0: -1, 1: num_experts, 2: distinct ids; 0 = output not wanted.
    """
