"""Real text through a model: its router logits make the tables that `bhroute calibrate` makes."""

from contextlib import contextmanager

import numpy as np
import torch

import bhroute
from bhroute.transformers.routers import find_routers


def windows_of(tokenizer, text, window=512, num_windows=None):
    """int64 [windows, window]: the text tokenised at once, cut into windows, the rest dropped.
    Errors: ValueError for a text shorter than one window, or than num_windows."""
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt", verbose=False)["input_ids"][0]
    available = len(ids) // window
    wanted = available if num_windows is None else num_windows
    if not 1 <= wanted <= available:
        raise ValueError(f"text: {len(ids)} tokens make {available} windows of {window}, want {max(wanted, 1)}")
    return ids[: wanted * window].reshape(wanted, window)


def calibrate(model, texts, *, tokenizer=None, window=512, null="all", batch_size=1, model_name="", model_sha256="",
              text_sha256="", command="", **options):
    """The table of the model's own router logits over `texts`; one for each null, if `null` is a list (one pass).

    `texts`: token ids [windows, length], a list of such rows of any length, or with a `tokenizer` a string or a list of
    strings, each cut by windows_of. `options` are bhroute.Calibrator's: pooling, statistic, form, resolution,
    smoothing, reservoir_rows, ... The other names go into the table's metadata.
    Errors: ValueError for a patched model, no text, or the Calibrator's.
    """
    places = find_routers(model)
    if any("forward" in place.router.__dict__ for place in places):
        raise ValueError("calibrate: the model is patched, want its own routing: unpatch() first")
    nulls = [null] if isinstance(null, str) else list(null)
    first = places[0]
    calibrators = [bhroute.Calibrator(first.num_experts, first.top_k, null=one, **options) for one in nulls]
    with _observed(places, calibrators), torch.no_grad():
        for batch in _batches(_rows(texts, tokenizer, window), batch_size):
            model(input_ids=batch.to(_device(model)), use_cache=False)
    tables = [calibrator.finish(model_name=model_name, model_sha256=model_sha256, text_sha256=text_sha256,
                                command=command, num_layers=len(places)) for calibrator in calibrators]
    return tables[0] if isinstance(null, str) else tables


def _device(model):
    return model.get_input_embeddings().weight.device


def _rows(texts, tokenizer, window):
    if isinstance(texts, str):
        texts = [texts]
    rows = []
    for text in texts:
        if isinstance(text, str):
            if tokenizer is None:
                raise ValueError("texts: strings need a tokenizer")
            rows += windows_of(tokenizer, text, window)
        else:
            rows.append(torch.as_tensor(text, dtype=torch.long))
    if not rows:
        raise ValueError("texts: nothing to calibrate on")
    return rows


def _batches(rows, batch_size):
    """Consecutive rows of one length together: padding has logits too, and no place in a table."""
    batch = []
    for row in rows:
        if batch and (len(batch) == batch_size or len(row) != len(batch[0])):
            yield torch.stack(batch)
            batch = []
        batch.append(row)
    yield torch.stack(batch)


@contextmanager
def _observed(places, calibrators):
    """Every router's logits go to every calibrator, in float32, as the engine has them."""

    def observer(layer):
        def observe(_module, _inputs, outputs):
            logits = np.ascontiguousarray(outputs[0].detach().float().cpu().numpy())
            for calibrator in calibrators:
                calibrator.add(layer, logits)

        return observe

    hooks = [place.router.register_forward_hook(observer(place.layer)) for place in places]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
