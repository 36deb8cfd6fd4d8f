#!/usr/bin/env python3
"""Makes the pickles that the tests of the pickle reader open: good ones as numpy writes them, and hostile ones.

    python tools/oracles/make_pickles.py tests/data/calibration/pickles

Run it once under numpy 1 and once under numpy 2: each writes the good pickles with its own names of numpy's
modules (numpy.core and numpy._core). The hostile ones come from the run under numpy 2. No test executes any of
them: the reader must refuse them.
"""
import collections
import io
import os
import pickle
import struct
import sys

import numpy as np


class System:
    def __reduce__(self):
        return os.system, ("echo executed",)


class Persistent(pickle.Pickler):
    def persistent_id(self, obj):
        return "elsewhere" if obj == "away" else None


class Sneaky:
    """Makes an instance of a class by NEWOBJ instead of by REDUCE."""


def table(dtype="f8"):
    x = np.linspace(-2, 2, 9).astype(dtype)
    return {"x": x, "cdf": np.linspace(0, 1, 9).astype(dtype)}


def good():
    files = {}
    for protocol in range(2, 6):
        files[f"table_protocol{protocol}"] = pickle.dumps(table(), protocol)
        files[f"table_float32_protocol{protocol}"] = pickle.dumps(table("f4"), protocol)
        plain = {"list": [1, -2, 3 * 10**9, -(2**63)], "tuple": (True, False, None), "float": 0.1,
                 "bytes": bytes(range(256)), "text": "bébé", "nested": {"a": [[], (), {}]}}
        files[f"plain_protocol{protocol}"] = pickle.dumps(plain, protocol)
        scalars = [np.float32(1.5), np.float64(-0.1)]
        files[f"scalars_protocol{protocol}"] = pickle.dumps(scalars, protocol)
    shared = np.arange(3.0)
    files["shared"] = pickle.dumps({"a": shared, "b": shared, "c": np.array(7.0), "d": np.zeros((0, 3)),
                                    "e": np.arange(6, dtype="f4").reshape(2, 3)}, 4)
    readonly = np.arange(4.0)
    readonly.flags.writeable = False
    files["readonly_protocol5"] = pickle.dumps(readonly, 5)
    return files


def truncated():
    whole = pickle.dumps(table(), 4)
    return {f"truncated_{i}_of_7": whole[: len(whole) * i // 7] for i in range(1, 7)}


def nested(levels, protocol=4):
    return bytes([0x80, protocol]) + b"]" * levels + b"a" * (levels - 1) + b"."


def billion_laughs():
    # Each list holds the one before ten times: 12 levels are 10^12 values.
    out = b"\x80\x04X\x03\x00\x00\x00lol\x94"
    for level in range(12):
        out += b"](" + (b"h" + bytes([level])) * 10 + b"e\x94"
    return out + b"."


def many_arrays_of_one_buffer():
    # One buffer of 16 KiB, made into 64 arrays.
    data = bytes(16384)
    tail = (b"\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02f8\x85R(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
            b"M\x00\x08\x85\x8c\x01C")
    out = b"\x80\x05B" + struct.pack("<I", len(data)) + data + b"\x940]"
    for _ in range(64):
        out += b"\x8c\x12numpy.core.numeric\x8c\x0b_frombuffer\x93(h\x00" + tail + b"tRa"
    return out + b"."


def foreign_objects():
    persistent = io.BytesIO()
    Persistent(persistent, 4).dump(["away"])
    files = {f"os_system_protocol{p}": pickle.dumps(System(), p) for p in range(2, 6)}
    return files | {
        "builtins_eval": b"\x80\x02cbuiltins\neval\nX\x03\x00\x00\x001+1\x85R.",
        "global_with_escape": b"\x80\x02c\x1b[31mos\nsystem\n.",
        "ordered_dict": pickle.dumps(collections.OrderedDict(a=1), 4),
        "newobj": pickle.dumps(Sneaky(), 4),
        "newobj_of_ndarray": b"\x80\x02cnumpy\nndarray\n)\x81.",
        "call_of_ndarray": b"\x80\x02cnumpy\nndarray\n)R.",
        "inst": b"\x80\x02(ios\nsystem\n.",
        "obj": b"\x80\x02(cnumpy\nndarray\no.",
        "persistent_id": persistent.getvalue(),
        "persistent_id_text": b"\x80\x02Pelsewhere\n.",
        "ext1": b"\x80\x02\x82\x01.",
        "ext2": b"\x80\x02\x83\x01\x00.",
        "ext4": b"\x80\x02\x84\x01\x00\x00\x00.",
    }


def unknown_types_and_protocols():
    return {
        "set": pickle.dumps({1, 2}, 4),
        "complex": pickle.dumps(1j, 4),
        "long_of_9_bytes": pickle.dumps(2**70, 4),
        "protocol0": pickle.dumps(table(), 0),
        "protocol1": b"\x80\x01N.",
        "protocol6": b"\x80\x06N.",
    }


def loops():
    loop = []
    loop.append(loop)
    loop_tuple = ([],)
    loop_tuple[0].append(loop_tuple)
    loop_dict = {}
    loop_dict["self"] = loop_dict
    return {
        "loop_list": pickle.dumps(loop, 4),
        "loop_tuple": pickle.dumps(loop_tuple, 4),
        "loop_dict": pickle.dumps(loop_dict, 4),
    }


def too_much():
    return {
        "nested_10000": nested(10000),
        "nested_65": nested(65),
        "billion_laughs": billion_laughs(),
        "arrays_of_one_buffer": many_arrays_of_one_buffer(),
        "huge_binbytes8": b"\x80\x04\x8e" + struct.pack("<Q", 2**63) + b"abc.",
        "huge_binbytes": b"\x80\x04B" + struct.pack("<I", 2**32 - 1) + b"abc.",
        "huge_bytearray8": b"\x80\x05\x96" + struct.pack("<Q", 2**64 - 1) + b".",
        "huge_binunicode8": b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b".",
        "huge_frame": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
        "huge_long4": b"\x80\x02\x8b" + struct.pack("<I", 2**31) + b".",
    }


def broken_stacks():
    return {
        "memo_of_nothing": b"\x80\x04h\x07.",
        "memo_of_nothing_long": b"\x80\x04j\xff\xff\xff\xff.",
        "empty_stack": b"\x80\x04.",
        "no_mark": b"\x80\x04e.",
        "below_the_mark": b"\x80\x04N(0.",
        "odd_setitems": b"\x80\x04}(Nu.",
        "append_to_a_dict": b"\x80\x04}Na.",
        "bytes_after_the_end": b"\x80\x04N.N.",
    }


def unusable_arrays():
    return {
        "bare_global": b"\x80\x02cnumpy\nndarray\n.",
        "bare_dtype": b"\x80\x02cnumpy\ndtype\nX\x02\x00\x00\x00f8\x85R.",
        "array_without_data": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R.",
        "big_endian": pickle.dumps(np.arange(3.0).astype(">f8"), 4),
        "object_array": pickle.dumps(np.array([None, "a"], dtype=object), 4),
        "object_array_protocol5": pickle.dumps(np.array([None, "a"], dtype=object), 5),
        "int_array": pickle.dumps(np.arange(3), 4),
        "half_array": pickle.dumps(np.arange(3.0).astype("f2"), 4),
        "complex_array": pickle.dumps(np.arange(3.0) + 1j, 4),
        "structured_array": pickle.dumps(np.zeros(2, dtype=[("a", "f8"), ("b", "f4")]), 4),
        "fortran_array": pickle.dumps(np.asfortranarray(np.arange(6.0).reshape(2, 3)), 4),
        "fortran_array_protocol5": pickle.dumps(np.asfortranarray(np.arange(6.0).reshape(2, 3)), 5),
        "lying_shape": pickle.dumps(np.arange(3.0), 4).replace(b"K\x01K\x03\x85", b"K\x01K\x04\x85"),
        "wrapping_shape": pickle.dumps(np.arange(2.0), 4).replace(
            b"K\x01K\x02\x85", b"K\x01\x8a\x08" + struct.pack("<q", 2**62 + 1) + b"K\x04K\x02\x87"),
        "negative_shape": pickle.dumps(np.arange(3.0), 4).replace(b"K\x01K\x03\x85", b"K\x01J\xff\xff\xff\xff\x85"),
    }


def hostile():
    groups = (foreign_objects, truncated, unknown_types_and_protocols, loops, too_much, broken_stacks, unusable_arrays)
    return {name: data for group in groups for name, data in group().items()}


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    names = "numpy" + np.__version__.split(".")[0]
    files = {f"good_{names}_{name}": data for name, data in good().items()}
    if names == "numpy2":
        files |= {f"hostile_{name}": data for name, data in hostile().items()}
    for name, data in files.items():
        with open(os.path.join(folder, name + ".pkl"), "wb") as file:
            file.write(data)
    print(f"{len(files)} pickles, {sum(map(len, files.values()))} bytes, made by Python "
          f"{sys.version.split()[0]} and numpy {np.__version__}")


if __name__ == "__main__":
    main()
