"""Progress of a long command on stderr: a line every few seconds with the rate and the time left."""

import sys
import time


class Progress:
    """`step(n)` after each piece of work; prints at most every `every` seconds, and at the end."""

    def __init__(self, what, total, every=10.0):
        self.what, self.total, self.every = what, total, every
        self.done, self.start, self.last = 0, time.monotonic(), 0.0

    def step(self, n=1, note=""):
        self.done += n
        now = time.monotonic()
        if now - self.last >= self.every or self.done >= self.total:
            self.last = now
            rate = self.done / max(now - self.start, 1e-9)
            left = (self.total - self.done) / max(rate, 1e-9)
            print(f"{self.what}: {self.done}/{self.total}, {rate:.1f}/s, {left:.0f} s left {note}",
                  file=sys.stderr, flush=True)
