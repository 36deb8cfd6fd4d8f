"""What the tests of the command line share: running the binary, and files made with the standard library alone."""

import array
import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

BINARY = os.environ["BHROUTE_BINARY"]
SOURCE = os.environ["BHROUTE_SOURCE_DIR"]
# What another program needs to take the plugin: a sanitized one's runtime (tests/CMakeLists.txt).
HOST_VARIABLES = dict(v.split("=", 1) for v in os.environ.get("BHROUTE_HOST_VARIABLES", "").split())
HAS_ENGINE = os.environ.get("BHROUTE_HAS_ENGINE") == "1"
MODEL = os.path.join(SOURCE, "models", "olmoe-nano", "olmoe-nano-q8_0.gguf")
NORTHANGER = os.path.join(SOURCE, "data", "northanger.txt")
PERSUASION = os.path.join(SOURCE, "data", "persuasion.txt")


class Outcome:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def json(self):
        return json.loads(self.out)


class CliTest(unittest.TestCase):
    """A test with a folder of its own, in which the binary runs."""

    @classmethod
    def maker_of_shared_files(cls):
        """For setUpClass: a test whose folder, cls.shared, lives as long as the class."""
        cls.shared = tempfile.mkdtemp(prefix="bhroute_cli_shared_")
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        maker = CliTest()
        maker.folder = cls.shared
        return maker

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="bhroute_cli_")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, content):
        data = content if isinstance(content, bytes) else content.encode()
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def by_tools_python(self, script):
        """Its standard output, by the Python that has tools/requirements.txt ($BHROUTE_PYTHON, else .venv's)."""
        python = os.environ.get("BHROUTE_PYTHON", os.path.join(SOURCE, ".venv", "bin", "python"))
        if not os.path.exists(python):
            self.skipTest("no Python of the tools: set BHROUTE_PYTHON or make .venv")
        done = subprocess.run([python, "-c", script], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def bhroute(self, *arguments, stdin="", env=None):
        environment = {k: v for k, v in os.environ.items() if k not in ("BHROUTE_KDE_DIR", "BHROUTE_FORCE_ISA")}
        environment.update(env or {})
        words = [BINARY] + [str(word) for word in arguments]
        return Outcome(subprocess.run(words, input=stdin, capture_output=True, text=True, errors="surrogateescape", cwd=self.folder,
                                      env=environment, timeout=300, check=False))

    def ok(self, *arguments, **options):
        outcome = self.bhroute(*arguments, **options)
        self.assertEqual(outcome.code, 0, f"{arguments}\n{outcome.err}{outcome.out}")
        return outcome

    def fails(self, code, *arguments, says=(), **options):
        """Exits with `code`, and the last line of stderr is one `bhroute: ...` with all of `says`."""
        outcome = self.bhroute(*arguments, **options)
        self.assertEqual(outcome.code, code, f"{arguments}\n{outcome.err}{outcome.out}")
        lines = outcome.err.splitlines()
        self.assertTrue(lines, "an error says nothing")
        errors = [line for line in lines if line.startswith("bhroute: ") and not line.startswith("bhroute: warning: ")]
        self.assertEqual(errors, [lines[-1]], outcome.err)
        for words in (says,) if isinstance(says, str) else says:
            self.assertIn(words, lines[-1])
        return outcome


def npy(shape, values):
    """numpy's format, version 1.0, float32, C order."""
    sizes = ", ".join(str(n) for n in shape) + ("," if len(shape) == 1 else "")
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }" % sizes
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.array("f", values).tobytes()


def read_npy(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<H", data[8:10])
    return array.array("f", data[10 + length:])


def read_safetensors(path):
    """({tensor: bytes}, metadata)"""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__")
    body = data[8 + length:]
    return {name: body[slice(*info["data_offsets"])] for name, info in header.items()}, metadata


def _gguf_string(text):
    return struct.pack("<Q", len(text)) + text.encode()


def dense_gguf():
    """The smallest GGUF of a model without experts: two keys and one tensor."""
    keys = _gguf_string("general.architecture") + struct.pack("<I", 8) + _gguf_string("llama")
    keys += _gguf_string("llama.embedding_length") + struct.pack("<II", 4, 32)
    tensor = _gguf_string("blk.0.ffn_down.weight") + struct.pack("<IQIQ", 1, 32, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 2) + keys + tensor
    return head + b"\0" * (-len(head) % 32) + b"\0" * 128


def shown_on(keyboard):
    """All that a pseudo-terminal was shown, bytes, once nothing holds its other end; closes it."""
    shown = b""
    try:
        while chunk := os.read(keyboard, 4096):
            shown += chunk
    except OSError:  # Linux says so when the other end is closed and all is read
        pass
    os.close(keyboard)
    return shown


def planted_logits(num_tokens, num_experts, seed):
    """Logits on a lattice that float32 counting keeps exactly; a small generator of its own, so that every Python agrees."""
    values, state = [], seed
    for _ in range(num_tokens * num_experts):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append(((state >> 40) % 4096 - 2048) / 512)
    return values
