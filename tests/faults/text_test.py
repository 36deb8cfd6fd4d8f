"""Large texts are read as far as they are needed; bytes that are no text, and empty lines, are data like any other."""

import json
import os
import subprocess

import scenario
import support

GIBIBYTE = 1 << 30
ALLOWED = 300 * 1024  # KiB above the same command on a short text


def peak_memory(*words, folder):
    """KiB, by the kernel's account of this child alone."""
    process = subprocess.Popen([support.BINARY, *map(str, words)], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    err = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    process.stderr.close()
    if process.returncode != 0:
        raise AssertionError(err.decode())
    return usage.ru_maxrss


class Text(scenario.FaultCase):
    def calibrate(self, text, output, *more):
        return ["calibrate", "-m", scenario.TINY, "-f", text, "-c", 64, "-b", 64, "-t", 1, "--quiet", "-o", output, *more]

    def test_a_gibibyte_of_which_200_windows_are_needed(self):
        with open(support.PERSUASION, "rb") as file:
            novel = file.read()
        short = self.write("short.txt", novel[:100_000])
        with open(self.path("long.txt"), "wb") as file:
            file.write(novel)
            file.truncate(GIBIBYTE)  # a hole reads as zeros and takes no disk
        base = peak_memory(*self.calibrate(short, "short.safetensors", "--windows", 200), folder=self.folder)
        peak = peak_memory(*self.calibrate("long.txt", "long.safetensors", "--windows", 200), folder=self.folder)
        print(f"peak RSS {peak} KiB on 1 GiB, {base} KiB on 100 kB")
        self.assertLess(peak, base + ALLOWED)
        tables = [support.read_safetensors(self.path(name))[0] for name in ("short.safetensors", "long.safetensors")]
        self.assertEqual(tables[0], tables[1])

    def test_windows_of_a_prefix_equal_those_of_the_whole(self):
        """A pipe can be read only once, so it is read whole."""
        self.ok(*self.calibrate(support.PERSUASION, "prefix.safetensors", "--windows", 40))
        command = " ".join(f"'{word}'" for word in [support.BINARY, *self.calibrate("/dev/stdin", "whole.safetensors", "--windows", 40)])
        subprocess.run(f"cat '{support.PERSUASION}' | {command}", shell=True, cwd=self.folder, check=True)
        prefix, whole = (support.read_safetensors(self.path(f"{name}.safetensors")) for name in ("prefix", "whole"))
        self.assertEqual(prefix[0], whole[0])
        self.assertEqual(prefix[1]["text_sha256"], whole[1]["text_sha256"])

    def test_bytes_that_are_no_utf8(self):
        binary = bytes(range(256)) * 64 + b"\xff\xfe\x00\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80\xf7\xbf\xbf\xbf" * 1000
        for flags in ([], ["--windows", 4]):
            self.ok(*self.calibrate(self.write("bytes.txt", binary), "t.safetensors", *flags))

    def test_a_folder_whose_name_is_no_utf8(self):
        """A path may have any bytes, JSON may not: what names the path is written with U+FFFD, and nothing fails for it."""
        name = os.fsdecode(b"a\xffb")
        os.mkdir(self.path(name))
        table = os.path.join(name, "t.safetensors")
        self.ok(*self.calibrate(support.PERSUASION, table, "--windows", 8, "--reservoir", 8))
        policy = f"bh:alpha=0.2,table={table}"
        run = ["-m", scenario.TINY, "-f", support.PERSUASION, "-c", 64, "--windows", 2, "-t", 1, "--quiet"]
        lists = self.write("list.json", '{"configurations": [{"name": "own", "role": "baseline", "policy": "top_k:k=4"}]}')
        words = ["evaluate", *run, "--no-kl", "--policy", policy, "--json", "--summary", os.path.join(name, "run.json")]
        self.assertIn("a\ufffdb/t.safetensors", json.loads(self.ok(*words).out)["command"])
        self.ok("sweep", *run, "--configurations", lists, "-o", os.path.join(name, "out"))
        self.ok("report", os.path.join(name, "out"), "-o", os.path.join(name, "r.html"))

    def test_empty_lines(self):
        self.ok(*self.calibrate(self.write("lines.txt", "\n" * 4000), "t.safetensors", "--windows", 4))
        self.ok(*self.calibrate(self.write("crlf.txt", "\r\n \r\n" * 2000), "t.safetensors"))
        for empty in ("", "\n"):
            for flags in ([], ["--windows", 4]):
                self.fails(2, *self.calibrate(self.write("empty.txt", empty), "t.safetensors", *flags), says="empty.txt: the text is empty")

    def test_a_text_that_is_too_short(self):
        for flags in ([], ["--windows", 4]):
            self.fails(2, *self.calibrate(self.write("short.txt", "a few words"), "t.safetensors", *flags),
                       says=["short.txt: text too short, got ", "want at least one window of 64"])


if __name__ == "__main__":
    scenario.main()
