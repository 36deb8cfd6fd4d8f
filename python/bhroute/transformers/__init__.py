"""Adaptive routing in the mixture-of-experts models of transformers 5: OLMoE, Qwen2-MoE, Qwen3-MoE, Mixtral.

    with bhroute.transformers.patch(model, "bh:alpha=0.2,max_k=16,table=unselected.safetensors") as patched:
        model.generate(...)
        patched.statistics()

    table = bhroute.transformers.calibrate(model, windows, null="unselected")
"""

from bhroute.transformers.calibration import calibrate, windows_of
from bhroute.transformers.patching import Patch, patch, unpatch
from bhroute.transformers.routers import RouterPlace, find_routers, make_policy

__all__ = ["Patch", "RouterPlace", "calibrate", "find_routers", "make_policy", "patch", "unpatch", "windows_of"]
