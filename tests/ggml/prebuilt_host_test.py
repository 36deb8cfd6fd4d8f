"""The plugin in a host of ggml's backend API 3 that this project did not compile: llama.cpp within the Python package
xllamacpp. BHROUTE_API3_HOST names the folder that `pip install --target FOLDER xllamacpp==2026.10.11549` filled."""

import ctypes
import json
import os
import pathlib
import re
import struct
import sys
import tempfile
import unittest

import programs_test

FOLDER = os.environ.get("BHROUTE_API3_HOST")


def block_of_the_page(plugin):
    """The Python of docs/hosts.md, which asserts that the plugin is taken."""
    page = pathlib.Path(__file__).resolve().parents[2] / "docs/hosts.md"
    return re.search(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE).group(1).replace(
        "/path/libggml-bhroute.so", plugin)


def complete(model, plugin):
    """What the child process does: prints the API, and a greedy reply with the probabilities of each token."""
    import xllamacpp
    ggml = ctypes.CDLL(xllamacpp.xllamacpp.__file__)
    ggml.ggml_backend_reg_get.restype = ctypes.c_void_p
    ggml.ggml_backend_reg_get.argtypes = [ctypes.c_size_t]
    print("API", ctypes.c_int.from_address(ggml.ggml_backend_reg_get(0)).value)
    if plugin:
        exec(block_of_the_page(plugin), {})
    parameters = xllamacpp.CommonParams()
    parameters.model.path, parameters.n_ctx, parameters.n_parallel = model, 256, 1
    parameters.cpuparams.n_threads = 1
    server = xllamacpp.Server(parameters)
    reply = server.handle_completions({"prompt": programs_test.PROMPTS[0], "max_tokens": 16, "temperature": 0, "logprobs": 20})
    print(json.dumps(reply["choices"]))


def with_expert_used_count(model, count, target):
    image = bytearray(pathlib.Path(model).read_bytes())
    key = b"olmoe.expert_used_count"
    struct.pack_into("<I", image, image.index(key) + len(key) + 4, count)  # after the value's type
    target.write_bytes(image)
    return target


@unittest.skipUnless(FOLDER, "BHROUTE_API3_HOST does not name a folder with xllamacpp")
class PrebuiltHostTest(unittest.TestCase):
    def complete(self, model, policy=None):
        variables = {name: os.environ[name] for name in programs_test.VARIABLES} | {"PYTHONPATH": FOLDER}
        if policy:
            variables["BHROUTE_POLICY"] = policy
        done = programs_test.run([sys.executable, "-B", __file__, model, programs_test.PLUGIN if policy else ""], **variables)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        self.assertIn("API 3\n", done.stdout)
        self.assertIn('"top_logprobs"', done.stdout)
        return done

    def test_probabilities_equal_stock_with_as_many_experts(self):
        with tempfile.TemporaryDirectory() as folder:
            for count in (8, 4):
                routed = self.complete(programs_test.MODEL, f"top_k:k={count}")
                self.assertIn("bhroute: 16 layers fused", routed.stderr)
                self.assertIn(f"{count}.00 experts a token", routed.stderr)
                model = with_expert_used_count(programs_test.MODEL, count, pathlib.Path(folder, "model.gguf"))
                self.assertEqual(routed.stdout, self.complete(model).stdout)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        complete(*sys.argv[1:])
    else:
        programs_test.main_or_skip()
