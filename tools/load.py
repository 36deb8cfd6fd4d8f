#!/usr/bin/env python3
"""llama-server with the plugin under load, and what came of it as JSON:

    tools/load.py --bhroute build/release/bin/bhroute --programs LLAMA/bin -m MODEL.gguf -f TEXT --minutes 30 -o load.json

CLIENTS clients ask without a pause, with prompts and replies of mixed lengths, while the policy's file is replaced every few
seconds: fixed counts, rivals, policies with a table, and broken files. Before and after the load the same process replies
to prompts one at a time, greedily, its policy's file set to top_k: under the model's own count as stock llama-server of one
slot does, and after as before under half of it. Exit code 1 if a request failed, a reply differs, no change was read
under load, the server died, or its memory grew after the first five minutes. Standard library alone.
"""

import argparse
import json
import os
import pathlib
import platform
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SETTLING = 300.0  # seconds after which memory may no longer grow
MOST_GROWTH = 0.02
SLOT_TOKENS = 512
PROMPTS = 6
BROKEN = '{"rule": "top_k", "k": '


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--bhroute", type=pathlib.Path, required=True)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of stock llama-server")
    parser.add_argument("-m", "--model", type=pathlib.Path, required=True)
    parser.add_argument("-f", "--text", type=pathlib.Path, required=True, help="prompts and the table are made of it")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2, help="of the server")
    parser.add_argument("--cpus", help="cores of the server, as taskset -c has them")
    parser.add_argument("--change-every", type=float, default=3.0, help="seconds between two policies")
    parser.add_argument("--tables-only", action="store_true", help="change among policies with a table alone")
    parser.add_argument("--own-k", type=int, default=8, help="the model's own number of experts a token")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    return parser.parse_args()


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("BHROUTE_", "GGML_", "LD_PRELOAD"))}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, arguments, slots, prefix=()):
        self.port = free_port()
        program = arguments.programs / "llama-server"
        words = [*prefix, program, "-m", arguments.model, "-t", arguments.threads, "--port", self.port, "-c", SLOT_TOKENS * slots,
                 "-np", slots, "--no-webui"]
        help_text = subprocess.run([program, "--help"], capture_output=True, text=True, env=environment(), check=False).stdout
        if "--cache-ram" in help_text:  # prompts kept for later would look like a leak
            words += ["--cache-ram", 0]
        if arguments.cpus:
            words = ["taskset", "-c", arguments.cpus, *words]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(word) for word in words], stdout=self.log, stderr=self.log, env=environment())

    def __enter__(self):
        until = time.monotonic() + 120
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1):
                    return self
            except OSError:
                time.sleep(0.2)
        told = self.text()[-3000:]
        self.process.kill()
        self.process.wait()
        raise RuntimeError(f"llama-server did not start:\n{told}")

    def complete(self, prompt, length, seed=1, temperature=0.0):
        body = {"prompt": prompt, "n_predict": length, "temperature": temperature, "seed": seed, "cache_prompt": False}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/completion", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=300) as reply:
            return json.load(reply)

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def text(self):
        """What the server has said; by pread, since it writes where this file's position is."""
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode("utf-8", "replace")

    def policies_read(self):
        return re.findall(r"bhroute: policy (\S+) \(changed\)", self.text())

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.output = self.text()
        self.log.close()


class Prompts:
    """Pieces of the text, from a word to most of a slot."""

    def __init__(self, text):
        self.words = text.read_text(encoding="utf-8", errors="replace").split()

    def piece(self, chance, most=220):
        length = int(round(most ** chance.random()))  # as many short ones as long ones, by magnitude
        start = chance.randrange(len(self.words) - most)
        return " ".join(self.words[start:start + length])


class Load:
    """The clients, the policies and the watch of memory, each in threads of their own."""

    def __init__(self, arguments, server, policy_file, policies, prompts):
        self.arguments, self.server = arguments, server
        self.policy_file, self.policies, self.prompts = policy_file, policies, prompts
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.latencies, self.failures, self.memory = [], [], []
        self.tokens = self.changes = self.changes_read = 0
        self.finished_at, self.longest_gap = time.monotonic(), 0.0
        self.begin = time.monotonic()

    def ask(self, number):
        chance = random.Random(number)
        while not self.stop.is_set():
            begin = time.monotonic()
            try:
                reply = self.server.complete(self.prompts.piece(chance), chance.choice((1, 4, 16, 48)), chance.randrange(1000),
                                             chance.choice((0.0, 0.8)))
                self.keep(begin, int(reply["tokens_predicted"]))
            except Exception as problem:  # whatever it is, the request failed
                with self.lock:
                    self.failures.append(f"{begin - self.begin:.1f} s: {problem!r}")
                time.sleep(0.5)

    def keep(self, begin, tokens):
        now = time.monotonic()
        with self.lock:
            self.latencies.append(now - begin)
            self.tokens += tokens
            self.longest_gap = max(self.longest_gap, now - self.finished_at)
            self.finished_at = now

    def change(self):
        while not self.stop.wait(self.arguments.change_every):
            self.changes += 1
            write_policy(self.policy_file, self.policies[self.changes % len(self.policies)])

    def watch(self):
        while not self.stop.wait(2.0):
            try:
                self.memory.append((time.monotonic() - self.begin, self.server.resident_kib()))
            except (OSError, AttributeError):
                return

    def run(self):
        read_before = len(self.server.policies_read())
        workers = [threading.Thread(target=self.ask, args=(i,)) for i in range(self.arguments.clients)]
        workers += [threading.Thread(target=self.change), threading.Thread(target=self.watch)]
        for worker in workers:
            worker.start()
        end = self.begin + 60 * self.arguments.minutes
        while time.monotonic() < end and self.server.process.poll() is None:
            time.sleep(0.5)
        self.stop.set()
        for worker in workers:
            worker.join()
        self.changes_read = len(self.server.policies_read()) - read_before

    def growth(self):
        """Median of the last minute over that of the minute before SETTLING, less 1; None for a run too short to tell."""
        settled = [kib for at, kib in self.memory if SETTLING - 60 <= at < SETTLING]
        last = [kib for at, kib in self.memory if at >= self.memory[-1][0] - 60 and at >= SETTLING]
        return statistics.median(last) / statistics.median(settled) - 1 if settled and last else None


def write_policy(file, text):
    partial = file.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.rename(file)


def make_policies(arguments, folder):
    """Texts of policy files; the tables are made here, of little text."""
    names = {"all": folder / "all.safetensors", "unselected": folder / "unselected.safetensors"}
    words = [arguments.bhroute, "calibrate", "-m", arguments.model, "-f", arguments.text, "-c", 128, "--windows", 16, "-t",
             arguments.threads, "--quiet"]
    for null, file in names.items():
        words += ["--null", null, "-o", file]
    subprocess.run([str(word) for word in words], env=environment(), check=True, stdout=subprocess.DEVNULL)
    tables = [{"rule": "bh", "alpha": alpha, "max_k": max_k, "table": names[null].name}
              for null, alpha, max_k in (("unselected", 0.2, 16), ("all", 0.05, 8), ("unselected", 0.05, 64))]
    plain = [{"rule": "top_k", "k": k} for k in (arguments.own_k, 1, 12, 4)] + [{"rule": "top_p", "p": 0.6, "max_k": 16}]
    if arguments.tables_only:
        return [json.dumps(one) for one in tables]
    mixed = [one for pair in zip(plain, tables + tables[:2]) for one in pair]
    return [json.dumps(one) for one in mixed] + [BROKEN]


def sequential_replies(server, prompts):
    chance = random.Random(0)
    return [server.complete(prompts.piece(chance), 32)["content"] for _ in range(PROMPTS)]


def set_count(server, policy_file, k):
    """Short requests until the server says that it follows this count: it looks at the file when it computes."""
    read_before, until = len(server.policies_read()), time.monotonic() + 30
    write_policy(policy_file, json.dumps({"rule": "top_k", "k": k}))
    while time.monotonic() < until:
        server.complete("It was", 1)
        read = server.policies_read()
        if len(read) > read_before and read[-1].split(",")[0] == f"top_k:k={k}":
            return
        time.sleep(0.1)
    raise RuntimeError(f"{policy_file}: the server does not follow it, got {read[-1:]}, want top_k:k={k}")


def replies_by_count(arguments, server, policy_file, prompts):
    """Of the routed server under the model's own count and half of it; None where it fails, which the run reports."""
    replies = []
    try:
        for k in (arguments.own_k, arguments.own_k // 2):
            set_count(server, policy_file, k)
            replies.append(sequential_replies(server, prompts))
    except (OSError, RuntimeError) as problem:
        sys.stderr.write(f"replies one at a time: {problem!r}\n")
        return None
    return replies


def compare(stock, before, after):
    own_before, half_before = before or (None, None)
    own_after, half_after = after or (None, None)
    return {
        "replies_equal_stock_before": own_before == stock, "replies_equal_stock_after": own_after == stock,
        "replies_with_half_the_experts_differ": half_before not in (None, stock), "and_are_the_same_after": half_after == half_before,
    }


def percentile(values, share):
    return sorted(values)[min(int(share * len(values)), len(values) - 1)] if values else None


def summary(arguments, load, server, same):
    growth = load.growth()
    passed = (not load.failures and all(same.values()) and load.changes_read > 0 and server.process.returncode == 0 and load.latencies
              and (growth is None or growth <= MOST_GROWTH) and " layers fused" in server.output)
    return {
        "passed": bool(passed), "minutes": arguments.minutes, "clients": arguments.clients, "threads": arguments.threads,
        "requests": len(load.latencies), "failed_requests": len(load.failures), "failures": load.failures[:10],
        "tokens_written": load.tokens, "policies_written": load.changes,
        "policies_read": load.changes_read, "policies_refused": server.output.count("the old policy stays"),
        "seconds_median": percentile(load.latencies, 0.5), "seconds_99_percent": percentile(load.latencies, 0.99),
        "seconds_longest": percentile(load.latencies, 1.0), "longest_time_without_a_reply_s": load.longest_gap,
        "resident_growth_after_5_minutes": growth, "resident_kib": [kib for _, kib in load.memory[::15]],
        **same, "server_exit_code": server.process.returncode,
        "change_every_s": arguments.change_every, "statistics": (re.findall(r"bhroute: \d+ layers fused.*", server.output) or [""])[-1],
        "version": subprocess.run([arguments.bhroute, "--version"], capture_output=True, text=True, check=True).stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}", "model": arguments.model.name,
    }


def main():
    arguments = parse_arguments()
    prompts = Prompts(arguments.text)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bhroute-load-"))
    try:
        with Server(arguments, 1) as stock:
            expected = sequential_replies(stock, prompts)
        policies, policy_file = make_policies(arguments, folder), folder / "policy.json"
        write_policy(policy_file, policies[0])
        prefix = [arguments.bhroute, "exec", "--policy", policy_file, "--"]
        with Server(arguments, arguments.clients, prefix) as server:
            before = replies_by_count(arguments, server, policy_file, prompts)
            load = Load(arguments, server, policy_file, policies, prompts)
            load.run()
            after = replies_by_count(arguments, server, policy_file, prompts)
        found = summary(arguments, load, server, compare(expected, before, after))
        arguments.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(json.dumps({key: value for key, value in found.items() if key != "resident_kib"}, indent=1))
        if not found["passed"]:
            sys.stderr.write(server.output[-3000:])
        return 0 if found["passed"] else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
