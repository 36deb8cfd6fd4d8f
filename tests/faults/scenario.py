"""What the tests of faults share: commands on a tiny random model, started so that they can be hit while they run."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

import support

TINY = pathlib.Path(os.environ["BHROUTE_RANDOM_MODELS"], "olmoe.gguf")
LONG = support.MODEL  # seconds a window: long enough to be hit

with open(support.BINARY, "rb") as binary:
    IS_SANITIZED = b"__asan_init" in binary.read()


class FaultCase(support.CliTest):
    def start(self, *words, **variables):
        process = subprocess.Popen([support.BINARY, *map(str, words)], cwd=self.folder, text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **variables})
        self.addCleanup(end, process)
        return process

    def wait_for(self, condition, process, seconds=60):
        """Until `condition()` holds while `process` still runs."""
        until = time.monotonic() + seconds
        while not condition():
            self.assertIsNone(process.poll(), "it ended before it could be hit")
            self.assertLess(time.monotonic(), until, "it never came so far")
            time.sleep(0.005)

    def files(self, *folder):
        """Path below the test's folder -> bytes."""
        top = pathlib.Path(self.path(*folder))
        return {str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()}


def end(process):
    if process.poll() is None:
        process.kill()
    process.communicate()


TIMINGS = re.compile(rb'"(tokens_per_second|ms_per_token|prompt_tokens_per_second)": ?[-+.e\d]+')


def without_timings(files):
    """results.csv has the timings in columns: their cells go too."""
    return {name: strip_csv(data) if name.endswith(".csv") else TIMINGS.sub(rb'"\1":0', data) for name, data in files.items()}


def strip_csv(data):
    lines = [line.split(b",") for line in data.split(b"\r\n")]
    timed = [i for i, name in enumerate(lines[0]) if name in (b"tokens_per_second", b"ms_per_token")]
    # From the end: text cells at the beginning may hold commas.
    width = len(lines[0])
    for cells in lines:
        for i in timed:
            if len(cells) >= width:
                cells[i - width] = b""
    return b"\r\n".join(b",".join(cells) for cells in lines)


def main():
    if not TINY.is_file():
        print(f"no model {TINY}")
        sys.exit(77)
    unittest.main()


SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}
