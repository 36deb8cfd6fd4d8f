"""How many experts a token gets in training, and which: samplers stand between a router's log-probabilities and its experts.

Each layer has its own sampler. It answers `select(log_probs)` with `ids` [tokens, max_k] by falling log-probability and
`selected`, a mask of the same shape. `Samplers.begin_step(rows)` tells them of a new batch of so many sequences.
"""

import torch
from torch import nn


class Sampler(nn.Module):
    """`max_k` experts of each token are computed; those not selected have weight 0."""

    def __init__(self, max_k):
        super().__init__()
        self.max_k = max_k

    def draw(self, rows, device):
        """What all layers share in a step: a tuple for `begin`, or None."""
        return None

    def begin(self, shared):
        pass

    def counts(self, ranked):
        """Experts a token, [tokens, 1] or a number, from its ranked log-probabilities."""
        raise NotImplementedError

    def select(self, log_probs):
        ranked, ids = log_probs.topk(self.max_k, -1)
        return ids, self.mask(ids, self.counts(ranked))

    @staticmethod
    def mask(ids, counts):
        return (torch.arange(ids.shape[-1], device=ids.device)[None] < counts).expand(ids.shape)


class Fixed(Sampler):
    """The same count for every token; the model's own is the control."""

    def __init__(self, k, max_k):
        super().__init__(max_k)
        self.k = k

    def counts(self, ranked):
        return self.k


def _own_share(counts, share, own):
    return torch.where(torch.rand(counts.shape, device=counts.device) < share, own, counts)


class Uniform(Sampler):
    """Each token of each layer draws from min_k..max_k; a share of them takes the model's own top_k."""

    def __init__(self, min_k, max_k, own, share=0.25):
        super().__init__(max_k)
        self.min_k, self.own, self.share = min_k, own, share

    def counts(self, ranked):
        drawn = torch.randint(self.min_k, self.max_k + 1, (len(ranked), 1), device=ranked.device)
        return _own_share(drawn, self.share, self.own)


class Dropout(Sampler):
    """Own top_k experts out of the first max_k, at random: the noise of dropout at a fixed count."""

    def __init__(self, max_k, own):
        super().__init__(max_k)
        self.own = own

    def select(self, log_probs):
        ids = log_probs.topk(self.max_k, -1)[1]
        order = torch.rand(ids.shape, device=ids.device)
        return ids, order <= order.topk(self.own, -1, largest=False)[0][:, -1:]


class BenjaminiHochberg(Sampler):
    """The step-up on log-probabilities, with a level alpha drawn for each sequence, the same in all layers.

    The null is a running histogram of the log-probabilities of the layer's experts outside the model's own top_k.
    alpha is log-uniform in [low, high]; a share of the sequences takes the model's own top_k.
    """

    BINS, FLOOR = 1024, -20.0

    def __init__(self, min_k, max_k, own, low=5e-5, high=0.3, share=0.25, decay=0.98):
        super().__init__(max_k)
        self.min_k, self.own, self.low, self.high, self.share, self.decay = min_k, own, low, high, share, decay
        self.register_buffer("null", torch.zeros(self.BINS))
        self.alpha = self.own_rows = None

    def draw(self, rows, device):
        alpha = self.low * (self.high / self.low) ** torch.rand(rows, device=device)
        return alpha, torch.rand(rows, device=device) < self.share

    def begin(self, shared):
        self.alpha, self.own_rows = shared

    def bins(self, log_probs):
        """0 at log-probability 0, up to BINS - 1 at FLOOR and below."""
        return ((log_probs / self.FLOOR).clamp(0, 1) * (self.BINS - 1)).floor()

    @torch.no_grad()
    def learn(self, ranked):
        """Adds this batch's unselected experts to the histogram."""
        found = torch.histc(self.bins(ranked[:, self.own:]), self.BINS, 0, self.BINS)
        self.null.mul_(self.decay).add_(found, alpha=1 - self.decay)

    def p_values(self, log_probs):
        """Share of the null at or above each log-probability, to the width of a bin."""
        tail = self.null.cumsum(0)
        return (tail / tail[-1].clamp_min(1e-20))[self.bins(log_probs).long()]

    def step_up(self, ranked):
        """[tokens, 1]: the largest rank whose p-value meets alpha * rank / N, 0 if none."""
        tokens, num_experts = ranked.shape
        alpha = self.alpha.repeat_interleave(tokens // len(self.alpha), output_size=tokens)[:, None]
        ranks = torch.arange(1.0, num_experts + 1, device=ranked.device)  # float: inductor 2.11 has no amax of masked integers
        passes = self.p_values(ranked) <= alpha * ranks / num_experts
        return torch.where(passes, ranks, 0.0).amax(-1, keepdim=True)

    def counts(self, ranked):
        tokens = len(ranked)
        own = self.own_rows.repeat_interleave(tokens // len(self.own_rows), output_size=tokens)[:, None]
        return torch.where(own, self.own, self.step_up(ranked).clamp(self.min_k, self.max_k))

    def select(self, log_probs):
        ranked, ids = log_probs.sort(-1, descending=True)
        ranked = ranked.detach()
        if self.training:
            self.learn(ranked)
        ids = ids[:, :self.max_k]
        return ids, self.mask(ids, self.counts(ranked))


class Samplers(nn.ModuleList):
    """One sampler a layer."""

    def begin_step(self, rows, device):
        shared = self[0].draw(rows, device)
        for sampler in self:
            sampler.begin(shared)


NAMES = ("control", "uniform", "bh", "dropout", "layers:K,K,...")


def make(name, own, num_layers, min_k=2, max_k=10):
    """The samplers called `name` (see NAMES) for a model whose own count is `own`."""
    one = {"control": lambda: Fixed(own, own), "uniform": lambda: Uniform(min_k, max_k, own),
           "bh": lambda: BenjaminiHochberg(min_k, max_k, own), "dropout": lambda: Dropout(max_k, own)}
    if name in one:
        return Samplers(one[name]() for _ in range(num_layers))
    if not name.startswith("layers:"):
        raise ValueError(f"sampler: name, got {name!r}, want one of {', '.join(NAMES)}")
    counts = [int(k) for k in name[7:].split(",")]
    if len(counts) != num_layers:
        raise ValueError(f"sampler: counts of layers, got {len(counts)}, want {num_layers}")
    return Samplers(Fixed(k, max(counts)) for k in counts)
