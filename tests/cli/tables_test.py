"""Tables without a model: calibration from dumps, merging, the original system's pickles."""

import glob
import os
import pickle
import struct
import unittest

import support


class Dumps(support.CliTest):
    """Two parts of 40 tokens, and the whole of 80, of two layers with 16 experts."""

    def setUp(self):
        super().setUp()
        for layer in (0, 5):
            values = support.planted_logits(80, 16, layer)
            for part, chosen in {"whole": values, "a": values[:640], "b": values[640:]}.items():
                self.write(f"{part}/layer_{layer}.npy", support.npy([len(chosen) // 16, 16], chosen))

    def calibrate(self, part, output, *flags):
        return self.ok("calibrate", "--logits", part, "-o", output, *flags)


class Calibrate(Dumps):
    def test_says_what_it_made(self):
        out = self.calibrate("whole", "t.safetensors").out
        self.assertIn("null all", out)
        self.assertIn("2 layers, 80 tokens, 1280 values a layer, smallest p 0.000781", out)  # 1/1281
        self.assertIn("-> t.safetensors", out)
        _, metadata = support.read_safetensors(self.path("t.safetensors"))
        self.assertEqual(metadata["num_experts"], "16")
        self.assertEqual(metadata["null"], "all")
        self.assertIn("calibrate --logits whole", metadata["command"])

    def test_several_nulls_in_one_pass(self):
        out = self.ok("calibrate", "--logits", "whole", "--top-k", 4, "--null", "all", "-o", "a.safetensors", "--null",
                      "unselected", "-o", "u.safetensors", "--null", "trimmed:1", "-o", "t.safetensors").out
        for words in ("1280 values", "960 values", "1200 values"):
            self.assertIn(words, out)
        nulls = [support.read_safetensors(self.path(f"{name}.safetensors"))[1]["null"] for name in "aut"]
        self.assertEqual(nulls, ["all", "unselected", "trimmed:1"])

    def test_every_option(self):
        self.assertIn("80 values an expert", self.calibrate("whole", "p.safetensors", "--per-expert").out)
        for flags in (["--statistic", "log_prob"], ["--statistic", "standardized"], ["--form", "gridded"],
                      ["--resolution", "bf16"], ["--resolution", "f16"],
                      ["--smoothing-kernel", "gaussian", "--bandwidth", "silverman", "--grid", "500"],
                      ["--smoothing-kernel", "epanechnikov", "--bandwidth", "0.25"],
                      ["--smoothing-kernel", "tophat"], ["--smoothing-kernel", "linear", "--form", "gridded"]):
            with self.subTest(flags):
                self.calibrate("whole", "o.safetensors", *flags)
                _, metadata = support.read_safetensors(self.path("o.safetensors"))
                self.assertIn(flags[1], metadata.values())

    def test_errors_of_flags(self):
        run = ["calibrate", "--logits", "whole", "-o", "t.safetensors"]
        self.fails(2, *run, "--null", "some", says=["--null", "some"])
        self.fails(2, *run, "--null", "unselected", says=["--top-k", "missing"])
        self.fails(2, *run, "--null", "unselected", "--top-k", 16, says=["16"])
        self.fails(2, *run, "--null", "trimmed:16", says=["16"])
        self.fails(2, *run, "--statistic", "mean", says=["--statistic", "mean"])
        self.fails(2, *run, "--form", "exact", says=["--form", "exact"])
        self.fails(2, *run, "--resolution", "f8", says=["--resolution", "f8"])
        self.fails(2, *run, "--smoothing-kernel", "cosine", says=["--smoothing-kernel", "cosine"])
        self.fails(2, *run, "--smoothing-kernel", "gaussian", "--bandwidth", "-1", says=["--bandwidth", "-1"])
        self.fails(2, *run, "--smoothing-kernel", "gaussian", "--form", "conformal", says=["--form", "want gridded"])
        self.fails(2, *run, "--bandwidth", "scott", says=["--bandwidth", "--smoothing-kernel"])
        self.fails(2, *run, "--grid", "100", says=["--grid", "--smoothing-kernel"])
        self.fails(2, *run, "-m", "model.gguf", says="--logits")

    def test_errors_of_outputs(self):
        run = ["calibrate", "--logits", "whole"]
        self.fails(2, *run, says="--output: missing, want -o TABLE")
        self.fails(2, *run, "-o", "a", "-o", "b", says=["--output", "got 2 -o", "want 1"])
        self.fails(2, *run, "-o", "a", "--null", "all", "--null", "trimmed:1", says=["got 1 -o", "want 2"])
        self.fails(2, *run, "--null", "all", "-o", "t", "--null", "trimmed:1", "-o", "t", says="two tables to one file")
        self.fails(2, *run, "-o", "nowhere/t.safetensors", says=["--output", "no such folder", "nowhere"])
        self.fails(2, *run, "-o", "whole", says=["--output", "is a folder"])

    def test_errors_of_dumps(self):
        run = ["calibrate", "-o", "t.safetensors", "--logits"]
        self.fails(2, *run, "none", says=["none", "cannot read the folder"])
        os.mkdir(self.path("empty"))
        self.fails(2, *run, "empty", says=["empty", "layer_<i>.npy"])
        self.write("odd/layer_0.npy", support.npy([2, 8], range(16)))
        self.write("odd/layer_1.npy", support.npy([2, 4], range(8)))
        self.fails(2, *run, "odd", says=["layer_1.npy", "4", "8"])
        self.write("flat/layer_0.npy", support.npy([8], range(8)))
        self.fails(2, *run, "flat", says="layer_0.npy")
        self.write("cut/layer_0.npy", support.npy([2, 8], range(16))[:-4])
        self.fails(2, *run, "cut", says="layer_0.npy")
        self.write("text/layer_0.npy", "1 2 3")
        self.fails(2, *run, "text", says="layer_0.npy")


class Merge(Dumps):
    def test_parts_equal_the_whole(self):
        for flags in ([], ["--null", "unselected", "--top-k", "4", "--per-expert"], ["--smoothing-kernel", "tophat", "--grid", "50"]):
            with self.subTest(flags):
                for part in ("whole", "a", "b"):
                    self.calibrate(part, part + ".safetensors", *flags)
                out = self.ok("merge", "a.safetensors", "b.safetensors", "-o", "ab.safetensors").out
                self.assertIn("2 tables merged", out)
                whole, whole_metadata = support.read_safetensors(self.path("whole.safetensors"))
                merged, metadata = support.read_safetensors(self.path("ab.safetensors"))
                # The sample of rows is a fair one of the union, not the one that the whole would have drawn.
                counted = lambda tensors: {name: t for name, t in tensors.items() if ".row" not in name}
                self.assertEqual(counted(merged), counted(whole))
                self.assertEqual(merged.keys(), whole.keys())
                for key in ("num_tokens", "null", "form", "num_experts", "num_layers"):
                    self.assertEqual(metadata[key], whole_metadata[key])
                self.assertIn("bhroute merge", metadata["command"])

    def test_three(self):
        names = [f"{i}.safetensors" for i in range(3)]
        for name in names:
            self.calibrate("a", name)
        self.ok("merge", *names, "-o", "m.safetensors")
        self.assertEqual(support.read_safetensors(self.path("m.safetensors"))[1]["num_tokens"], "120")

    def test_errors(self):
        self.calibrate("a", "a.safetensors")
        self.calibrate("b", "b.safetensors", "--null", "trimmed:1")
        self.fails(2, "merge", "a.safetensors", "-o", "m", says=["too few tables", "got 1"])
        self.fails(2, "merge", "a.safetensors", "b.safetensors", "-o", "m",
                   says=["a.safetensors", "b.safetensors", "null", "all", "trimmed:1"])
        self.fails(2, "merge", "a.safetensors", "none.safetensors", "-o", "m", says="none.safetensors")
        self.fails(2, "merge", "a.safetensors", "./a.safetensors", "-o", "m", says=["merge: a table is given twice", "got ./a.safetensors"])
        self.assertFalse(os.path.exists(self.path("m")))
        self.fails(2, "merge", "a.safetensors", "a.safetensors", "-o", "x/y", says=["--output", "no such folder"])


class Attack:
    def __reduce__(self):
        return os.system, ("touch executed",)


class Pickles(Dumps):
    def test_out_and_in_again(self):
        self.calibrate("whole", "t.safetensors", "--smoothing-kernel", "gaussian", "--grid", 200)
        self.assertIn("wrote 2 layers", self.ok("export-kde", "t.safetensors", "pickles").out)
        names = sorted(os.path.basename(path) for path in glob.glob(self.path("pickles", "*")))
        self.assertEqual(names, ["distribution_model_layer_0.pkl", "distribution_model_layer_5.pkl"])
        outcome = self.ok("import-kde", "pickles", "-o", "again.safetensors")
        self.assertIn("Loaded 2 of ", outcome.err)
        self.assertRegex(outcome.err, "bhroute: warning: .*1.*2.*3.*4")  # the layers between are missing
        before, _ = support.read_safetensors(self.path("t.safetensors"))
        after, _ = support.read_safetensors(self.path("again.safetensors"))
        for layer in (0, 5):
            for tensor in ("x", "cdf"):
                self.assertEqual(after[f"layer.{layer}.{tensor}"], before[f"layer.{layer}.{tensor}"])
        # Without a table, the folder is found where it was always looked for; with a folder in its place, it is read.
        logits = " ".join(["1"] * 15 + ["9"])
        from_folder = self.ok("explain", "pickles", "--layer", 5, "--logits", "-", "--json", stdin=logits).json()
        from_table = self.ok("explain", "again.safetensors", "--layer", 5, "--logits", "-", "--json", stdin=logits).json()
        self.assertEqual(from_folder["p_values"], from_table["p_values"])

    def test_missing_layers_are_named(self):
        self.calibrate("whole", "t.safetensors", "--form", "gridded")
        self.ok("export-kde", "t.safetensors", "pickles")
        self.assertIn("Loaded 2 of 8 layers", self.ok("import-kde", "pickles", "-o", "u", "--layers", 8).err)

    def test_nothing_is_executed(self):
        for protocol in range(2, 6):
            self.write("evil/distribution_model_layer_0.pkl", pickle.dumps({"x": Attack()}, protocol))
            self.fails(2, "import-kde", "evil", "-o", "t", says=["distribution_model_layer_0.pkl", "system"])
            self.assertFalse(os.path.exists(self.path("executed")))

    def test_errors(self):
        os.mkdir(self.path("empty"))
        self.fails(2, "import-kde", "empty", "-o", "t", says="empty")
        self.fails(2, "import-kde", "none", "-o", "t", says="none")
        self.write("cut/distribution_model_layer_0.pkl", b"\x80\x04\x95" + struct.pack("<Q", 2**60))
        self.fails(2, "import-kde", "cut", "-o", "t", says="distribution_model_layer_0.pkl")
        self.write("odd/distribution_model_layer_0.pkl", pickle.dumps({"x": [1.0, 2.0]}))
        self.fails(2, "import-kde", "odd", "-o", "t", says="distribution_model_layer_0.pkl")
        self.calibrate("whole", "p.safetensors", "--per-expert")
        self.fails(2, "export-kde", "p.safetensors", "pickles", says="per")
        self.fails(2, "export-kde", "none.safetensors", "pickles", says="none.safetensors")


if __name__ == "__main__":
    unittest.main()
