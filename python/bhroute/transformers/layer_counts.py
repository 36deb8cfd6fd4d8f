"""How many experts the tokens of one layer got, counted where the tensors are: no synchronisation with the host."""

import torch


class LayerCounts:
    """Two histograms; None until the first token tells which device they are on."""

    def __init__(self, num_experts, collect=True):
        self._num_experts, self._collect = num_experts, collect
        self.real_tokens = None  # bool [tokens] of the call under way; None = all
        self.reset()

    def reset(self):
        self._histogram = self._utilisation = None

    def add(self, expert_ids, num_selected):
        """expert_ids [tokens, slots], of which the first num_selected [tokens] count; None = all."""
        if not self._collect:
            return
        if self._histogram is None:
            self._histogram, self._utilisation = (
                torch.zeros(self._num_experts + 1, dtype=torch.long, device=expert_ids.device) for _ in range(2))
        slots = expert_ids.shape[-1]
        if num_selected is None:
            num_selected = torch.full(expert_ids.shape[:-1], slots, device=expert_ids.device)
        real = torch.ones_like(num_selected, dtype=torch.bool)
        if self.real_tokens is not None and self.real_tokens.numel() == real.numel():
            real = self.real_tokens.to(real.device)
        chosen = real[:, None] & (torch.arange(slots, device=real.device) < num_selected[:, None])
        self._histogram.scatter_add_(0, num_selected.long(), real.long())
        self._utilisation.scatter_add_(0, expert_ids.long().reshape(-1), chosen.long().reshape(-1))

    def summary(self, layer):
        """In the words of `bhroute evaluate --json`. `layer`: the RoutedLayer counted."""
        histogram = (torch.zeros(self._num_experts + 1, dtype=torch.long) if self._histogram is None else
                     self._histogram.cpu())
        utilisation = histogram[1:] * 0 if self._utilisation is None else self._utilisation.cpu()[: self._num_experts]
        tokens = int(histogram.sum())
        counts, share = torch.arange(len(histogram), dtype=torch.double), histogram.double() / max(tokens, 1)
        mean = float((share * counts).sum())
        seen = histogram.nonzero().flatten().tolist() or [0]
        min_k, max_k = layer.bounds
        return {"layer": layer.place.layer, "num_tokens": tokens, "mean_experts": mean,
                "sd": float((share * (counts - mean) ** 2).sum().sqrt()), "min": seen[0], "max": seen[-1],
                "floor_share": float(share[min_k]), "ceiling_share": float(share[max_k]),
                "histogram": histogram.tolist(), "utilisation": utilisation.tolist()}
