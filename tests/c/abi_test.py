"""The C API's binary interface is the one of record, tests/c/abi.expected: exported symbols, sizes, offsets, values, and the
types of functions and fields.

A difference is a break for programs that are compiled already. What is only added goes into the record; anything else needs
another soname (SOVERSION in adapters/c/CMakeLists.txt).
"""

import os
import pathlib
import re
import struct
import subprocess
import sys
import unittest

LIBRARY = os.environ["BHROUTE_C_LIBRARY"]
SOURCE = pathlib.Path(os.environ["BHROUTE_SOURCE_DIR"])
RECORD = SOURCE / "tests/c/abi.expected"


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def exported():
    """Every symbol that the library gives others, with its version, but for the version's own name."""
    names = [line.split()[-1] for line in output(os.environ["BHROUTE_NM"], "-D", "--defined-only", LIBRARY).splitlines()]
    return sorted(name for name in names if not name.startswith("BHROUTE_0"))


def soname():
    return re.search(r"SONAME.*\[(.+)\]", output(os.environ["BHROUTE_READELF"], "-d", LIBRARY)).group(1)


def interface():
    lines = [f"soname {soname()}"] + [f"symbol {name}" for name in exported()]
    return lines + output(os.environ["BHROUTE_ABI_LAYOUT"]).splitlines()


class AbiTest(unittest.TestCase):
    maxDiff = None

    def test_is_the_one_of_record(self):
        if struct.calcsize("P") != 8:
            print("the record is of 64-bit machines")
            sys.exit(77)
        self.assertEqual(RECORD.read_text().splitlines(), interface())

    def test_the_header_declares_what_is_exported_and_no_more(self):
        header = (SOURCE / "include/bhroute.h").read_text()
        declared = sorted(re.findall(r"^BHROUTE_API .*?\b(bhroute_\w+)\(", header, re.MULTILINE))
        self.assertEqual([re.sub("@.*", "", name) for name in exported()], declared)

    def test_the_types_are_those_of_record(self):
        changed = [line for line in interface() if line.endswith("another type")]
        self.assertEqual(changed, [], "the header has another type than tests/c/abi_layout.c")

    def test_every_field_function_and_value_of_the_header_is_in_the_record(self):
        header = re.sub(r"/\*.*?\*/", "", (SOURCE / "include/bhroute.h").read_text(), flags=re.DOTALL)
        record = RECORD.read_text()
        fields = [f"{name}.{field}" for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", header, re.DOTALL)
                  for field in re.findall(r"(\w+);", body)]
        values = re.findall(r"\b(BHROUTE_[A-Z_]+) = \d", header)
        self.assertGreater(len(fields), 10)
        self.assertGreater(len(values), 4)
        for name in fields:
            self.assertRegex(record, rf"(?m)^offset {re.escape(name)} \d+ \w+")
        for name in values:
            self.assertRegex(record, rf"(?m)^value {re.escape(name)} \d+$")
        for name in re.findall(r"\b(bhroute_\w+)\([^;()*]*\);", header.replace("\n", " ")):
            self.assertRegex(record, rf"(?m)^function {re.escape(name)} \w+")


if __name__ == "__main__":
    unittest.main()
