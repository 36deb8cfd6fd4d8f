"""Replaces the routing of a model's layers by a policy's, and puts everything back."""

import weakref

import torch

from bhroute.transformers.routed_layer import RoutedLayer
from bhroute.transformers.routers import find_routers, make_policy

_patches = weakref.WeakKeyDictionary()


class Patch:
    """What patch() returns: a context manager that unpatches at its end."""

    def __init__(self, model, layers, collect):
        self._model, self._layers = model, layers
        self._hook = model.register_forward_pre_hook(self._see_padding, with_kwargs=True) if collect else None
        self.active = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.unpatch()

    def unpatch(self):
        """The model's own routing and every flag as before. Doing it twice does no harm. Statistics stay."""
        if not self.active:
            return
        self.active = False
        for layer in self._layers:
            layer.restore()
        if self._hook is not None:
            self._hook.remove()
        _patches.pop(self._model, None)

    def statistics(self):
        """One dict a layer, in the words of `bhroute evaluate --json`: layer, num_tokens, mean_experts, sd, min, max,
        floor_share, ceiling_share, histogram [num_experts + 1], utilisation [num_experts] (tokens of each expert).
        Tokens that the attention mask leaves out are not counted. [] if patched with statistics=False."""
        if self._hook is None:
            return []
        return [layer.counts.summary(layer) for layer in self._layers]

    def reset_statistics(self):
        for layer in self._layers:
            layer.counts.reset()

    def _see_padding(self, _module, args, kwargs):
        """Which of the call's tokens are real: the last columns of the mask, of which a cache has the others."""
        mask, ids = kwargs.get("attention_mask"), kwargs.get("input_ids", args[0] if args else None)
        if ids is None:
            ids = kwargs.get("inputs_embeds")
        real = None
        if isinstance(mask, torch.Tensor) and mask.dim() == 2 and ids is not None and mask.shape[1] >= ids.shape[1]:
            real = mask[:, -ids.shape[1]:].reshape(-1).bool()
        for layer in self._layers:
            layer.counts.real_tokens = real


def patch(model, policy, table=None, *, statistics=True):
    """Routes every mixture-of-experts layer of `model` by `policy` until unpatch(), or the end of a `with`.

    `policy`: "bh:alpha=0.2,max_k=16", a dict, a JSON file's path or a bhroute.Policy; `table`: a bhroute.Table, where
    the policy names none. Experts that are not selected are not computed if the model's experts run by `grouped_mm` or
    `eager`; another implementation computes them with weight 0, and a warning says so once.
    A CUDA graph captured meanwhile reads the policy's constants on the device: keep the Patch as long as the graph.
    Errors: ValueError for a model without known routers, patched already or with experts spread over devices, and for a
    policy that does not fit; then nothing has been changed.
    """
    if model in _patches:
        raise ValueError(f"{type(model).__name__}: patched already, want unpatch() first")
    places = find_routers(model)
    for place in places:
        if getattr(place.experts, "_is_expert_parallel", False):
            raise ValueError(f"{place.name}: its experts are spread over devices, want them whole")
    policy = make_policy(places, policy, table)
    layers = [RoutedLayer(place, policy, statistics) for place in places]
    for layer in layers:
        layer.install()
    _patches[model] = made = Patch(model, layers, statistics)
    return made


def unpatch(model):
    """Errors: ValueError if the model is not patched."""
    if model not in _patches:
        raise ValueError(f"{type(model).__name__}: not patched")
    _patches[model].unpatch()
