"""bhroute.torch against the library on numpy arrays. What needs a GPU is in torch_cuda_test.py."""

import gc

import numpy as np
import pytest
import torch
from conftest import NUM_EXPERTS, TOP_K, make_table, router_logits

import bhroute
from bhroute.torch import Router


def policy(text="bh:alpha=0.2,max_k=16", **options):
    return bhroute.Policy(text, **({"num_experts": NUM_EXPERTS, "top_k": TOP_K} | options))


@pytest.fixture
def router(table):
    return Router(policy(table=table))


def test_the_operator_is_the_library(router):
    logits = router_logits(200)
    out, expected = router(torch.from_numpy(logits), dense=True), router.policy.route(logits, dense_weights=True)
    np.testing.assert_array_equal(out.expert_ids, expected.expert_ids)
    np.testing.assert_array_equal(out.routing_weights, expected.routing_weights)
    np.testing.assert_array_equal(out.num_selected, expected.num_selected)
    np.testing.assert_array_equal(out.dense_weights, expected.dense_routing_weights)
    assert out.expert_counts is None and out.row_pairs is None


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_widened_exactly(router, dtype):
    logits = torch.from_numpy(router_logits(200)).to(dtype)
    logits[0, :6] = torch.tensor([6e-8, -3e-5, float("inf"), -float("inf"), float("nan"), 0.0]).to(dtype)
    out, expected = router(logits), router(logits.float())
    for one, other in zip(out[:3], expected[:3]):
        assert torch.equal(one, other)


def test_numpy_functions_take_cpu_tensors(router):
    logits = router_logits(20)
    np.testing.assert_array_equal(router.policy.route(torch.from_numpy(logits)).expert_ids, router.policy.route(logits).expert_ids)


def test_counts_and_compressed_rows(router):
    out = router(torch.from_numpy(router_logits(300)), counts=True, rows=True)
    ids, num = out.expert_ids.numpy(), out.num_selected.numpy()
    wanted = [[t * 16 + s for t in range(300) for s in range(num[t]) if ids[t, s] == e] for e in range(NUM_EXPERTS)]
    offsets, pairs = out.row_offsets.numpy(), out.row_pairs.numpy()
    for e in range(NUM_EXPERTS):
        np.testing.assert_array_equal(pairs[offsets[e]:offsets[e + 1]], wanted[e])
    np.testing.assert_array_equal(out.expert_counts, [len(w) for w in wanted])
    assert (pairs[offsets[-1]:] == -1).all() and offsets[-1] == num.sum() < pairs.size


@pytest.mark.parametrize("text", ["bh:alpha=0.2,max_k=16", "bh:alpha=0.2,min_k=2,max_k=64", "top_k:k=3"])
def test_unselected_slots_as_the_engine_wants_them(text, table):
    router, logits = Router(policy(text, table=table)), torch.from_numpy(router_logits(200))
    plain = router(logits)
    empty = torch.arange(router.max_k) >= plain.num_selected[:, None]
    assert (plain.expert_ids[empty] == -1).all() and (plain.routing_weights[empty] == 0).all()
    large, distinct = router(logits, unselected="num_experts"), router(logits, unselected="distinct")
    assert torch.equal(large.expert_ids, plain.expert_ids.masked_fill(empty, NUM_EXPERTS))
    assert torch.equal(distinct.expert_ids[~empty], plain.expert_ids[~empty])
    assert torch.equal(distinct.routing_weights, plain.routing_weights)
    assert all(len(set(row.tolist())) == router.max_k for row in distinct.expert_ids)
    assert ((distinct.expert_ids >= 0) & (distinct.expert_ids < NUM_EXPERTS)).all()


def test_batches_and_strides(router):
    wide = torch.from_numpy(router_logits(60, 80))
    part = wide[:, :NUM_EXPERTS]
    expected = router(part.contiguous())
    assert torch.equal(router(part).expert_ids, expected.expert_ids)
    batched = router(part.unflatten(0, (3, 20)), dense=True)
    assert batched.expert_ids.shape == (3, 20, 16) and batched.dense_weights.shape == (3, 20, NUM_EXPERTS)
    assert torch.equal(batched.expert_ids.flatten(0, 1), expected.expert_ids)
    one_each = wide.unflatten(0, (60, 1))[::2, :, :NUM_EXPERTS]
    assert torch.equal(router(one_each).expert_ids.flatten(0, 1), expected.expert_ids[::2])
    assert router(part[:0]).expert_ids.shape == (0, 16)


@pytest.mark.parametrize("error, message, logits, options", [
    (ValueError, "side by side", torch.zeros(64, 5).T, {}),
    (ValueError, "evenly spaced", torch.zeros(2, 6, 64)[:, :5], {}),
    (ValueError, "experts", torch.zeros(5, 63), {}),
    (ValueError, "dimensions", torch.zeros(64), {}),
    (TypeError, "float64", torch.zeros(5, 64, dtype=torch.float64), {}),
    (ValueError, "unselected", torch.zeros(5, 64), {"unselected": "none"}),
])
def test_clear_errors(router, error, message, logits, options):
    with pytest.raises(error, match=message):
        router(logits, **options)


def test_a_token_of_nans_gets_nobody(router):
    logits = torch.from_numpy(router_logits(3))
    logits[1] = float("nan")
    assert router(logits).num_selected[1] == 0


def test_meta_tensors_give_the_shapes(router):
    logits = torch.from_numpy(router_logits(24)).unflatten(0, (2, 12))
    real, meta = (router(x, dense=True, counts=True, rows=True) for x in (logits, logits.to("meta")))
    for one, other in zip(real, meta):
        assert one.shape == other.shape and one.dtype == other.dtype and one.stride() == other.stride()


def test_the_operator_keeps_pytorchs_rules(router):
    for flags in ((False,) * 3, (True,) * 3):
        arguments = (torch.from_numpy(router_logits(9)), None, None, router.handle, 0, "-1", *flags)
        torch.library.opcheck(torch.ops.bhroute.route.default, arguments,
                              test_utils=("test_schema", "test_faketensor", "test_aot_dispatch_dynamic"))


def test_compiles_without_a_break(router):
    def block(x):
        out = router(x * 2, dense=True)
        return out.dense_weights.sum(-1) + out.num_selected

    logits = torch.from_numpy(router_logits(50))
    compiled = torch.compile(block, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(logits), block(logits))


def test_policies_live_as_long_as_their_routers(table):
    router = Router(policy(table=table))
    handle, logits = router.handle, torch.from_numpy(router_logits(2))
    del router
    gc.collect()
    with pytest.raises(RuntimeError, match="living Router"):
        torch.ops.bhroute.route(logits, None, None, handle, 0, "-1", False, False, False)


def test_layers_have_their_own_width(table):
    by_layer = policy("top_k_per_layer:ks=2/5", table=table)
    logits = torch.from_numpy(router_logits(4))
    assert [Router(by_layer, layer)(logits).expert_ids.shape[1] for layer in (0, 1)] == [2, 5]
    with pytest.raises(ValueError, match="layer 2"):
        Router(by_layer, 2)


def test_rules_that_do_not_compile_are_refused_on_the_gpu_by_name(table):
    for text, said in (("hc:max_k=8", "hc"), ("ser:t=0.2", "ser")):
        with pytest.raises(NotImplementedError, match=said):
            Router(policy(text, table=table)).constants(torch.device("cuda"))


def test_what_the_gpu_is_given(table):
    def constants(text, **options):
        return Router(policy(text, **options)).constants(torch.device("cpu"))

    assert constants("top_k:k=8") == (None, None)
    critical, nulls = constants("bh:alpha=0.2", table=table)
    assert critical.shape == (1, NUM_EXPERTS) and nulls is None
    critical, nulls = constants("bh:alpha=0.2", table=make_table(pooling="per_expert"))
    assert critical.shape == (NUM_EXPERTS, NUM_EXPERTS) and nulls.dtype == torch.float64
    assert nulls[:4].tolist() == [0.0, 1.0, 1.0, 2.0 + 3 * NUM_EXPERTS]  # bounds of p; expert 0: conformal counts, behind the heads
