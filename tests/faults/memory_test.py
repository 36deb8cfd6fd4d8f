"""Files that are made to fill the memory: for each kind one line, exit code 2, and less than a gibibyte of the command's own."""

import json
import os
import struct
import subprocess

import scenario
import support

KIB = 1024
MIB = KIB * KIB
GIB = KIB * MIB
FLAGS = ["-f", support.PERSUASION, "-c", 64, "--windows", 1, "-t", 1, "--quiet"]
TOO_LARGE = "file too large, got "

with open(support.BINARY, "rb") as binary:
    IS_SANITIZED = b"__asan_init" in binary.read()



class Memory(scenario.FaultCase):
    def hole(self, name, head=b"", size=3 * GIB):
        """A file that reads as zeros behind its head, and takes no disk."""
        path = self.write(name, head)
        os.truncate(path, size)
        return path

    def repeated(self, name, piece, size, begin=b"", end=b""):
        """Written as it goes: a child's peak memory begins with that of the process it is forked from."""
        path, times = self.write(name, begin), size // len(piece)
        with open(path, "ab") as file:
            while times > 0:
                file.write(piece * min(times, 1 << 16))
                times -= 1 << 16
            file.write(end)
        return path

    def refused(self, words, says):
        process = subprocess.Popen([support.BINARY, *map(str, words)], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        err = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        self.assertEqual(process.returncode, 2, err)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn(says, err)
        print(f"{usage.ru_maxrss // KIB:5} MiB: {err.strip()[-90:]}")
        if not IS_SANITIZED:
            self.assertLess(usage.ru_maxrss * KIB, GIB, err)

    def evaluate(self, policy, *more):
        return ["evaluate", "-m", scenario.TINY, *FLAGS, "--no-kl", "--policy", policy, *more]

    def sweep(self, configurations):
        return ["sweep", "-m", scenario.TINY, *FLAGS, "--print-configurations", "--configurations", configurations]

    def test_files_larger_than_their_kind_is(self):
        self.refused(self.evaluate(self.hole("p.json")), "p.json: " + TOO_LARGE + "3221225472 bytes, want at most 1048576 bytes")
        self.refused(self.sweep(self.hole("l.json")), "l.json: " + TOO_LARGE)
        self.refused(self.evaluate("top_k:k=2", "--task", "lambada:" + self.hole("t.jsonl")), "t.jsonl: " + TOO_LARGE)
        self.refused(["compare", self.hole("r.json"), "r.json"], "r.json: " + TOO_LARGE)
        self.refused(["fdr", self.hole("p.csv")], "p.csv: " + TOO_LARGE)
        self.write("folder/distribution_model_layer_0.pkl", b"\x80\x04")
        self.hole("folder/distribution_model_layer_0.pkl")
        self.refused(["import-kde", "folder", "-o", "t.safetensors"], "layer_0.pkl: " + TOO_LARGE)
        self.refused(["explain", "none", "--layer", 0, "--logits", self.hole("l.npy")], "l.npy: " + TOO_LARGE)

    def test_an_endless_pipe(self):
        self.refused(["fdr", "/dev/zero"], "/dev/zero: file too large, got more than 268435456 bytes")

    def test_json_that_unfolds(self):
        for piece in (b"{}", b"[]", b"0", b'{"":0}'):
            name = self.repeated("l.json", piece + b",", 60 * MIB, b"[", b"0]")
            self.refused(self.sweep(name), "l.json: JSON that takes too much memory")
        name = self.repeated("l.json", b'"' + b"a" * 70 + b'",', 60 * MIB, b'{"configurations": [', b"0]}")
        self.refused(self.sweep(name), "l.json: configurations[0]")

    def test_task_files_of_many_small_lines(self):
        tasks = self.repeated("t.jsonl", b'{"text":"a b"}\n', 60 * MIB, end=b"{}\n")
        self.refused(self.evaluate("top_k:k=2", "--task", "lambada:" + tasks), "t.jsonl:4194305: the key 'text' is missing")

    def test_many_p_values(self):
        self.refused(["fdr", self.repeated("p.csv", b"0\n", 68 * MIB)], "p.csv: too many p-values, got more than 33554432, want fewer")
        self.refused(["fdr", self.repeated("p.csv", b"0\n", 64 * MIB - 2, end=b"2\n")], "p.csv line 33554432: not a p-value, got 2")

    def table_head(self, size, layers=1, cut=0):
        """The header of a table whose layers have `size` bytes of values, counts and offsets each; its data reads as zeros."""
        self.ok("calibrate", "-m", scenario.TINY, *FLAGS, "-o", "good.safetensors")
        metadata = support.read_safetensors(self.path("good.safetensors"))[1]
        header, at, num = {"__metadata__": metadata}, 0, size // 12
        for name, dtype, length in (("counts", "U64", 8 * num), ("offsets", "U64", 16), ("values", "F32", 4 * num)):
            for layer in range(layers):
                shape = [length // (8 if dtype == "U64" else 4)]
                header[f"layer.{layer}.{name}"] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + length]}
                at += length
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text, 8 + len(text) + at - cut

    def test_tables(self):
        merge = ["merge", "t.safetensors", "other.safetensors", "-o", "merged.safetensors"]
        head, size = self.table_head(3 * GIB)
        self.hole("t.safetensors", head, size)
        self.refused(merge, "t.safetensors: a layer too large, got layer.0.")
        self.hole("t.safetensors", head, size - 1)
        self.refused(merge, "data outside the file")
        head, size = self.table_head(300 * MIB, 8)
        self.hole("t.safetensors", head, size)
        self.refused(merge, "t.safetensors: layer 0: damaged offsets, want rising from 0 to 26214400")
        head, size = self.table_head(300 * MIB)
        self.hole("t.safetensors", head, size)
        self.refused(merge, "t.safetensors: layer 0: damaged offsets")
        self.repeated("t.safetensors", b"0,", 80 * MIB, struct.pack("<Q", 80 * MIB + 2) + b"[", b"]")
        self.refused(merge, "t.safetensors: damaged header: JSON that takes too much memory")
        self.hole("t.safetensors", size=5 * GIB)
        self.refused(merge, "t.safetensors: damaged header")

    def test_dumped_logits(self):
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (805306369, 1), }\n"
        self.write("dumps/layer_0.npy", b"")
        self.hole("dumps/layer_0.npy", b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header)
        self.refused(["calibrate", "--logits", "dumps", "--top-k", 4, "-o", "t.safetensors"],
                     "layer_0.npy: size differs from shape")

    def test_models(self):
        self.refused(["calibrate", "-m", self.hole("m.gguf"), *FLAGS, "-o", "t.safetensors"], "m.gguf: not a readable GGUF")
        head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 21) + b"tokenizer.ggml.tokens" + struct.pack("<IIQ", 9, 8, 3 * GIB // 8 - 100)
        self.refused(["calibrate", "-m", self.hole("m.gguf", head), *FLAGS, "-o", "t.safetensors"],
                     "m.gguf: not a readable GGUF: more strings than the file has room for")


if __name__ == "__main__":
    scenario.main()
