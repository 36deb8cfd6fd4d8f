"""Makes train/tests/data/tokens.json: token ids of llama.cpp for texts that are awkward to split, by olmoe-nano's tokenizer.

make_token_table.py LLAMA  (a built llama.cpp, as tools/setup/llama_cpp.sh prints it; its bin/llama-server answers)
"""

import contextlib
import hashlib
import json
import pathlib
import socket
import struct
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models/olmoe-nano/olmoe-nano-q8_0.gguf"
OUT = ROOT / "train/tests/data/tokens.json"
TEXTS = ["", " ", "Hello, world.", "It's they'll I'VE we'd can't", "  two  spaces   three ", "tab\tand\r\nline\n\n\n end \n",
         "1234567 3.14 0x1F", "def f(x):\n    return x**2  # squared\n", "naïve café Ångström e\u0301", "日本語 русский עברית",
         "emoji 👩‍💻 🇩🇪", "no\u00a0break\u2003em\u200bzero\u2028line", "…—“quotes”", "a.b,c;d!e?f(g)[h]{i}", "ALLCAPS mixedCase snake_case",
         "\x00\x01\x7f", "x" * 300, "\n \n\t \n", "end of text: <|endoftext|"]
NOVELS = ("northanger.txt", "persuasion.txt")


@contextlib.contextmanager
def server(program):
    """The address of a llama-server that has the model loaded."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([program, "-m", MODEL, "--port", str(port), "-c", "512"], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        try:
            yield wait_for(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()


def wait_for(address, process):
    while process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{address}/health")
            return address
        time.sleep(0.2)
    raise SystemExit(f"make_token_table: llama-server, got exit {process.returncode}, want it to run")


def ids_of(address, text):
    """As bhroute reads a file: no special token is parsed."""
    body = json.dumps({"content": text, "parse_special": False}).encode()
    request = urllib.request.Request(f"{address}/tokenize", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["tokens"]


def main(llama):
    with server(pathlib.Path(llama) / "bin/llama-server") as address:
        cases = [{"text": text, "ids": ids_of(address, text)} for text in TEXTS]
        novels = {name: ids_of(address, (ROOT / "data" / name).read_text(encoding="utf-8")) for name in NOVELS}
    digests = {name: {"tokens": len(ids), "sha256_of_u16": hashlib.sha256(struct.pack(f"<{len(ids)}H", *ids)).hexdigest()}
               for name, ids in novels.items()}
    header = {"made_by": "tools/oracles/make_token_table.py", "source": "llama-server /tokenize", "model": MODEL.name,
              "version": (pathlib.Path(llama) / "VERSION").read_text().strip()}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"header": header, "cases": cases, "novels": digests}, indent=0, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
