"""Cut, damaged and lying files: for each one line and exit code 2; no crash, no hang, no gibibyte of memory."""

import collections
import json
import os
import random
import resource
import struct
import subprocess

import scenario
import support

GIBIBYTE = 1 << 30
FLAGS = ["-f", support.PERSUASION, "-c", 64, "--windows", 1, "-t", 1, "--quiet"]

# A sanitizer ends the process where the allocator would say no.
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":allocator_may_return_null=1"}


def limit_memory():
    if scenario.IS_SANITIZED:
        return  # AddressSanitizer reserves terabytes of addresses
    resource.setrlimit(resource.RLIMIT_AS, (4 * GIBIBYTE, 4 * GIBIBYTE))  # address space: the engine maps more than it uses


SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}  # bytes of a GGUF's values, by type
LIES = {4: [struct.pack("<I", value) for value in (0, 1, 3, 513, 100_000, 0xFFFFFFFF)], 7: [b"\0", b"\1"],
        6: [struct.pack("<f", value) for value in (0, -1, float("nan"), 1e38)]}


def scalar_keys(model):
    """(name, type, offset of its value) of each key of a GGUF that is one number or flag."""
    at = 24

    def text():
        nonlocal at
        length, = struct.unpack_from("<Q", model, at)
        at += 8 + length
        return model[at - length:at].decode()

    for _ in range(struct.unpack_from("<Q", model, 16)[0]):
        name, (kind,) = text(), struct.unpack_from("<I", model, at)
        at += 4
        if kind in SIZES:
            yield name, kind, at
        count = 1
        if kind == 9:
            kind, count = struct.unpack_from("<IQ", model, at)
            at += 12
        for _ in range(count if kind == 8 else 0):
            text()
        at += 0 if kind == 8 else count * SIZES[kind]


class Damage(scenario.FaultCase):
    def refused(self, words, where, codes=(2,)):
        process = subprocess.run([support.BINARY, *map(str, words)], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
                                 text=True, timeout=60, preexec_fn=limit_memory, check=False, env=ENVIRONMENT)
        self.assertIn(process.returncode, codes, f"{words}\n{process.stderr}")
        if process.returncode:
            self.assertIn(os.path.basename(where), process.stderr.splitlines()[-1])
        return process.returncode

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def damaged(self, data, seed=1, cuts=6, flips=10):
        """Pieces of the beginning, then copies with some bytes changed."""
        chance = random.Random(seed)
        for i in range(cuts):
            yield data[:chance.randrange(len(data)) if i else 0], (2,)
        for _ in range(flips):
            copy = bytearray(data)
            for _ in range(chance.randrange(1, 8)):
                copy[chance.randrange(min(len(copy), 4096))] = chance.randrange(256)
            yield bytes(copy), (0, 1, 2)  # a change may mean something else that is right

    def test_models(self):
        model = self.read(scenario.TINY)
        header = model[:len(model) // 2]
        for data, codes in self.damaged(header, flips=20):
            path = self.write("m.gguf", data)
            self.refused(["calibrate", "-m", path, *FLAGS, "-o", "t.safetensors"], path, codes if len(data) < len(header) else (1, 2))
        lies = bytearray(model)
        lies[16:24] = (1 << 60).to_bytes(8, "little")
        path = self.write("lies.gguf", bytes(lies))
        self.fails(2, "calibrate", "-m", path, *FLAGS, "-o", "t.safetensors",
                   says=["lies.gguf: not a readable GGUF: more keys than the file has room for, got 1152921504606846976, want at most "])
        self.assertFalse(os.path.exists(self.path("t.safetensors")))

    def test_models_whose_keys_lie(self):
        """llama.cpp asserts some of what it reads: that ends in a line and exit code 2 too, as sizes that no memory holds do."""
        codes = collections.Counter()
        for architecture in ("olmoe", "deepseek-v3"):
            model = self.read(os.path.join(os.path.dirname(scenario.TINY), architecture + ".gguf"))
            for name, kind, at in scalar_keys(model):
                for value in LIES.get(kind, ()):
                    path = self.write("m.gguf", model[:at] + value + model[at + len(value):])
                    words = ["evaluate", "-m", path, *FLAGS, "--no-kl", "--policy", "top_k:k=2"]
                    codes[self.refused(words, path, (0, 2))] += 1
        print(dict(codes))
        self.assertGreater(codes[2], 40)

    def test_tables(self):
        self.ok("calibrate", "-m", scenario.TINY, *FLAGS, "-o", "t.safetensors")
        table = self.read(self.path("t.safetensors"))
        for data, codes in self.damaged(table):
            path = self.write("bad.safetensors", data)
            self.refused(["merge", path, path, "-o", "merged.safetensors"], path, codes)

    def test_policies_lists_and_tasks(self):
        policy = json.dumps({"rule": "bh", "alpha": 0.2, "max_k": 8, "layers": {"0": {"alpha": 0.1}}}).encode()
        names = [{"name": str(k), "role": "reference", "policy": f"top_k:k={k}"} for k in (1, 2)]
        lists = json.dumps({"configurations": names}).encode()
        tasks = self.read(os.path.join(support.SOURCE, "data", "tasks", "lambada.jsonl"))[:2000]
        for data, codes in self.damaged(policy):
            self.refused(["evaluate", "-m", scenario.TINY, *FLAGS, "--no-kl", "--policy", self.write("p.json", data)], "p.json", codes)
        for data, codes in self.damaged(lists):
            self.refused(["sweep", "-m", scenario.TINY, *FLAGS, "--print-configurations", "--configurations", self.write("l.json", data)],
                         "l.json", codes)
        for data, _ in self.damaged(tasks, flips=4):
            self.refused(["evaluate", "-m", scenario.TINY, *FLAGS, "--no-kl", "--policy", "top_k:k=2", "--task",
                          "lambada:" + self.write("t.jsonl", data)], "t.jsonl", (0, 1, 2))

    def test_results(self):
        lists = self.write("list.json", '{"configurations": [{"name": "own", "role": "baseline", "policy": "top_k:k=4"}]}')
        self.ok("sweep", "-m", scenario.TINY, *FLAGS, "--configurations", lists, "-o", "out")
        run, results = self.path("out", "runs", "own.json"), self.path("out", "results.json")
        whole_run, whole_results = self.read(run), self.read(results)
        for data, codes in self.damaged(whole_run):
            path = self.write("out/runs/bad.json", data)
            self.refused(["compare", path, run], path, codes)
        os.remove(self.path("out", "runs", "bad.json"))
        for data, codes in self.damaged(whole_results):
            self.write("out/results.json", data)
            self.refused(["report", "out", "-o", "r.html"], "results.json", codes)


if __name__ == "__main__":
    scenario.main()
