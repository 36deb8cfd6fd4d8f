"""Files that are made to fill the memory: for each kind one line, exit code 2, and less than a gibibyte of the command's own."""

import array
import json
import math
import os
import struct
import subprocess

import scenario
import support

KIB = 1024
MIB = KIB * KIB
GIB = KIB * MIB
FLAGS = ["-f", support.PERSUASION, "-c", 64, "--windows", 1, "-t", 1, "--quiet"]
MERGE = ["merge", "t.safetensors", "other.safetensors", "-o", "merged.safetensors"]
TOO_LARGE = "file too large, got "


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
        if not scenario.IS_SANITIZED:
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

    def table(self, tensors, cut=0, **metadata):
        """t.safetensors of these (name, dtype, shape, bytes); without bytes the data reads as zeros and takes no disk."""
        if not os.path.exists(self.path("good.safetensors")):
            self.ok("calibrate", "-m", scenario.TINY, *FLAGS, "-o", "good.safetensors")
        header, at = {"__metadata__": support.read_safetensors(self.path("good.safetensors"))[1] | metadata}, 0
        for name, dtype, shape, _ in tensors:
            end = at + math.prod(shape) * int(dtype[1:]) // 8
            header[name], at = {"dtype": dtype, "shape": shape, "data_offsets": [at, end]}, end
        text = json.dumps(header).encode()
        with open(self.path("t.safetensors"), "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for name, _, _, data in tensors:
                begin, end = header[name]["data_offsets"]
                file.seek(8 + len(text) + begin)
                file.write(data or b"")
            file.truncate(8 + len(text) + at - cut)

    def test_tables_without_counts(self):
        counts = lambda layers, num: [(f"layer.{layer}.{name}", dtype, [length], None) for layer in range(layers)
                                      for name, dtype, length in (("counts", "U64", num), ("offsets", "U64", 2), ("values", "F32", num))]
        self.table(counts(1, GIB // 4))
        self.refused(MERGE, "t.safetensors: a layer too large, got layer.0.")
        self.table(counts(1, GIB // 4), cut=1)
        self.refused(MERGE, "data outside the file")
        for layers in (8, 1):
            self.table(counts(layers, 25 * MIB))
            self.refused(MERGE, "t.safetensors: layer 0: damaged offsets, want rising from 0 to 26214400")
        self.repeated("t.safetensors", b"0,", 80 * MIB, struct.pack("<Q", 80 * MIB + 2) + b"[", b"]")
        self.refused(MERGE, "t.safetensors: damaged header: JSON that takes too much memory")
        self.hole("t.safetensors", size=5 * GIB)
        self.refused(MERGE, "t.safetensors: damaged header: not JSON")

    def sampled(self, rows, last):
        """Three layers with good counts, zeros as sampled rows, and `last` as the value of the last."""
        small = [("values", "F32", [1], b""), ("counts", "U64", [1], struct.pack("<Q", 10**6)), ("offsets", "U64", [2], struct.pack("<QQ", 0, 1))]
        tensors = [(f"layer.{layer}.{name}", dtype, shape, struct.pack("<f", last if layer == 2 else 0) if name == "values" else data)
                   for name, dtype, shape, data in small for layer in range(3)]
        tensors.sort(key=lambda tensor: tensor[1] != "U64")
        for name, dtype, shape in (("row_keys", "U64", [rows]), ("rows", "F32", [rows, 16])):
            tensors += [(f"layer.{layer}.{name}", dtype, shape, None) for layer in range(3)]
        self.table(tensors, format_version="2", reservoir_rows=str(rows), reservoir_seed="1")

    def test_a_large_table_is_read_if_it_is_good(self):
        explain = ["explain", "t.safetensors", "--layer", 2, "--logits", self.write("l.txt", " ".join(["1"] * 16))]
        self.sampled(2 * MIB, 0.5)
        self.assertGreater(os.path.getsize(self.path("t.safetensors")), 400 * MIB)
        self.ok(*explain)
        self.sampled(2 * MIB, math.nan)
        self.refused(explain, "t.safetensors: layer 2, group 0: value [0] is not finite")

    def test_tables_of_many_small_groups(self):
        num = 12 * MIB
        tensors = [("layer.0.counts", "U64", [num], None), ("layer.0.offsets", "U64", [num + 1], None), ("layer.0.values", "F32", [num], None)]
        self.table(tensors, pooling="per_expert")
        with open(self.path("t.safetensors"), "r+b") as file:  # 0, 1, 2, ...
            size, = struct.unpack("<Q", file.read(8))
            file.seek(8 + size + 8 * num)
            for begin in range(0, num + 1, MIB):
                file.write(array.array("Q", range(begin, min(begin + MIB, num + 1))).tobytes())
        self.refused(MERGE, "t.safetensors: layer 0: wrong number of groups, got 12582912, want 16")
        self.table([("layer.0.x", "F64", [num, 1], None), ("layer.0.cdf", "F64", [num, 1], None)], pooling="per_expert", form="gridded")
        self.refused(MERGE, "t.safetensors: layer 0: wrong number of groups")
        self.table([("layer.0.x", "F64", [num, 1], None), ("layer.0.cdf", "F64", [num, 1], None)], pooling="per_expert", form="gridded",
                   num_experts=str(num))
        self.refused(MERGE, "t.safetensors: layer 0: too many groups, got 12582912, want at most 524288 in all layers")

    def test_metadata_that_never_ends(self):
        self.table([("layer.0.counts", "U64", [1], None)], model_name="a" * MIB)
        self.refused(MERGE, "t.safetensors: __metadata__ too large, got more than 1048576 bytes")

    def test_dumped_logits(self):
        calibrate = ["calibrate", "--logits", "dumps", "--top-k", 4, "-o", "t.safetensors"]
        for shape, says in ((b"(805306369, 1)", "layer_0.npy: size differs from shape"), (b"(805306368,)", "layer_0.npy: router_logits: wrong rank")):
            header = b"{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + b", }\n"
            head = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
            self.hole("dumps/layer_0.npy", head, len(head) + 3 * GIB)
            self.refused(calibrate, says)

    def test_models(self):
        self.refused(["calibrate", "-m", self.hole("m.gguf"), *FLAGS, "-o", "t.safetensors"], "m.gguf: not a readable GGUF")
        head = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 21) + b"tokenizer.ggml.tokens" + struct.pack("<IIQ", 9, 8, 3 * GIB // 8 - 100)
        self.refused(["calibrate", "-m", self.hole("m.gguf", head), *FLAGS, "-o", "t.safetensors"],
                     "m.gguf: not a readable GGUF: a header too large, want at most 268435456 bytes")


if __name__ == "__main__":
    scenario.main()
