#!/usr/bin/env python3
"""Tokens a second of ik_llama.cpp, by PyPI's ik-llama-cpp-python:  ik_decode.py MODEL PROMPT TOKENS THREADS

PROMPT tokens in one batch, or TOKENS one by one, as llama-bench does; a warm-up before. Prints one number.
"""

import sys
import time

from ik_llama_cpp import _ctypes_api as ik

model_path, prompt, tokens, threads = sys.argv[1], *map(int, sys.argv[2:5])
ik.llama_backend_init()
model = ik.llama_model_load_from_file(model_path.encode(), ik.llama_model_default_params())
params = ik.llama_context_default_params()
params.n_ctx, params.n_batch, params.n_ubatch = 1024, 512, 512
params.n_threads = params.n_threads_batch = threads
context = ik.llama_init_from_model(model, params)
if not model or not context:
    raise SystemExit("ik_decode: ik_llama.cpp does not load the model")
batch = ik.llama_batch_init(512, 0, 1)


def decode(first, count):
    batch.n_tokens = count
    for i in range(count):
        batch.token[i], batch.pos[i], batch.n_seq_id[i] = (7919 * (first + i)) % 257, first + i, 1
        batch.seq_id[i][0], batch.logits[i] = 0, i == count - 1
    if ik.llama_decode(context, batch) != 0:
        raise SystemExit("ik_decode: llama_decode failed")


def run():
    ik.llama_kv_cache_clear(context)
    begin = time.perf_counter()
    if prompt:
        decode(0, prompt)
    for position in range(tokens):
        decode(position, 1)
    return (prompt or tokens) / (time.perf_counter() - begin)


run()
print(run())
