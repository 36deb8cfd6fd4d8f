"""The package without PyTorch: tables, nulls, testing, policies on numpy arrays."""

import json
import logging
import subprocess
import sys

import numpy as np
import pytest
from conftest import NUM_EXPERTS, TOP_K, ROOT, make_table, router_logits
from safetensors.numpy import load_file

import bhroute

PICKLES = ROOT / "tests/data/calibration/pickles"


def policy(text="bh:alpha=0.2,max_k=16", **options):
    return bhroute.Policy(text, **({"num_experts": NUM_EXPERTS, "top_k": TOP_K} | options))


def test_tables_come_back_from_their_file(table, tmp_path):
    table.save(tmp_path / "t.safetensors")
    again = bhroute.Table.load(tmp_path / "t.safetensors")
    assert again.metadata == table.metadata and again.layers == [0]
    stored = load_file(tmp_path / "t.safetensors")
    np.testing.assert_array_equal(stored["layer.0.values"], table.null(0).values)
    np.testing.assert_array_equal(stored["layer.0.counts"], table.null(0).counts)


def test_a_null_counts_what_was_added():
    logits = np.float32([[0.0, 1.0, 2.0, 3.0]] * 2)
    calibrator = bhroute.Calibrator(4, 1, null="unselected")
    calibrator.add(5, logits)
    null = calibrator.finish().null(5)
    np.testing.assert_array_equal(null.values, [0, 1, 2])
    np.testing.assert_array_equal(null.counts, [2, 2, 2])
    np.testing.assert_array_equal(null.p_values(np.float32([2.0, 2.5])), [3 / 7, 1 / 7])


def test_merging_is_counting_together():
    a, b = router_logits(500, seed=3), router_logits(700, seed=4)
    tables = []
    for parts in ([a], [b], [a, b]):
        calibrator = bhroute.Calibrator(NUM_EXPERTS, TOP_K)
        for part in parts:
            calibrator.add(0, part)
        tables.append(calibrator.finish())
    np.testing.assert_array_equal(tables[0].merge(tables[1]).null(0).counts, tables[2].null(0).counts)


@pytest.mark.parametrize("statistic", ["logit", "log_prob", "standardized"])
def test_p_values_are_those_of_the_statistic(statistic):
    table = make_table(statistic=statistic)
    logits = router_logits(20)
    values = bhroute.compute_statistic(statistic, logits)
    null = table.null(0)
    above = np.array([[null.counts[null.values >= v].sum() for v in row] for row in values])
    np.testing.assert_array_equal(table.p_values(logits, 0), (1 + above) / (1 + null.counts.sum()))


def test_smoothed_tables_become_pickles_and_come_back(tmp_path):
    table = make_table(smoothing="gaussian", grid_size=1000)
    table.export_kde(tmp_path / "models")
    again = bhroute.Table.import_kde(tmp_path / "models")
    np.testing.assert_array_equal(again.null(0).x, table.null(0).x)
    np.testing.assert_array_equal(again.null(0).cdf, table.null(0).cdf)
    assert again.null(0).values is None


def test_benjamini_hochberg_by_hand():
    result = bhroute.test("bh", np.array([0.03, 0.001, 0.9, 0.02]), alpha=0.05)
    np.testing.assert_array_equal(result.order, [1, 3, 0, 2])
    np.testing.assert_allclose(result.critical_values, [0.0125, 0.025, 0.0375, 0.05])
    np.testing.assert_array_equal(result.mask, [1, 1, 0, 1])
    np.testing.assert_allclose(result.adjusted_p_values, [0.04, 0.004, 0.9, 0.04])
    assert result.num_rejections == 3


@pytest.mark.parametrize("procedure", bhroute.procedure_names())
def test_every_procedure_rejects_the_first_of_its_order(procedure):
    p = np.random.default_rng(5).uniform(size=50) ** 3
    result = bhroute.test(procedure, p, alpha=0.1)
    assert sorted(result.order) == list(range(50)) and 0 < result.num_rejections <= 50
    np.testing.assert_array_equal(np.flatnonzero(result.mask), np.sort(result.order[:result.num_rejections]))


@pytest.mark.parametrize("text", ["bh:alpha=0.2,max_k=16", "bh:alpha=0.1,min_k=2,max_k=8,weights=renormalized", "by:alpha=0.3",
                                  "holm:alpha=0.2", "storey:alpha=0.1", "hc:max_k=9", "top_k:k=5,weights=mass", "ser:t=0.3"])
def test_the_fast_path_is_the_textbook(text, table):
    logits = router_logits(300)
    fast = policy(text, table=table).route(logits, dense_weights=True, stats=True)
    slow = policy(text, table=table, reference=True).route(logits, dense_weights=True)
    np.testing.assert_array_equal(fast.expert_ids, slow.expert_ids)
    np.testing.assert_array_equal(fast.num_selected, slow.num_selected)
    np.testing.assert_allclose(fast.routing_weights, slow.routing_weights, rtol=1e-6)
    np.testing.assert_allclose(fast.dense_routing_weights.sum(1), fast.routing_weights.sum(1), rtol=1e-6)
    np.testing.assert_array_equal(fast.stats.selected_mask.sum(1), fast.num_selected)


def test_a_decision_shows_every_intermediate_value(table):
    logits = router_logits(40)
    decision = policy("bh:alpha=0.2,min_k=1,max_k=64", table=table).route(logits, stats=True)
    np.testing.assert_array_equal(decision.stats.p_values, table.p_values(logits, 0))
    np.testing.assert_array_equal(decision.stats.critical_values, bhroute.bh_critical_values(NUM_EXPERTS, 0.2))
    rejections = [bhroute.test("bh", p, alpha=0.2).num_rejections for p in decision.stats.p_values]
    np.testing.assert_array_equal(decision.num_selected, np.maximum(rejections, 1))
    assert decision.stats.table_available and policy().route(logits).stats is None


def test_policies_in_every_spelling(table, tmp_path):
    (tmp_path / "p.json").write_text(json.dumps({"rule": "bh", "alpha": 0.1, "max_k": 4}))
    spellings = [policy("bh:alpha=0.1,max_k=4"), policy({"rule": "bh", "alpha": 0.1, "max_k": 4}), policy(tmp_path / "p.json"),
                 bhroute.Policy.of("bh", alpha=0.1, max_k=4, num_experts=NUM_EXPERTS, top_k=TOP_K)]
    assert all(one.spec == spellings[0].spec and one.max_k() == 4 for one in spellings)


def test_a_policy_opens_the_table_that_it_names(table, tmp_path):
    table.save(tmp_path / "t.safetensors")
    named = policy({"rule": "bh", "alpha": 0.2, "max_k": 16, "table": str(tmp_path / "t.safetensors")})
    np.testing.assert_array_equal(named.route(router_logits(50)).expert_ids, policy(table=table).route(router_logits(50)).expert_ids)


def test_views_are_read_where_they_lie(table):
    wide = router_logits(60, 80)
    part, whole = wide[:, :NUM_EXPERTS], np.ascontiguousarray(wide[:, :NUM_EXPERTS])
    bound = policy(table=table)
    np.testing.assert_array_equal(bound.route(part).expert_ids, bound.route(whole).expert_ids)
    batched = bound.route(whole.reshape(3, 20, NUM_EXPERTS), dense_weights=True, stats=True)
    assert batched.expert_ids.shape == (3, 20, 16) and batched.num_selected.shape == (3, 20)
    assert batched.dense_routing_weights.shape == batched.stats.p_values.shape == (3, 20, NUM_EXPERTS)
    np.testing.assert_array_equal(batched.expert_ids.reshape(60, 16), bound.route(whole).expert_ids)


def test_arrays_outlive_what_made_them(table):
    ids = policy(table=table).route(router_logits(50)).expert_ids
    np.testing.assert_array_equal(ids, policy(table=table).route(router_logits(50)).expert_ids)
    assert not ids.flags.owndata


def test_multi_k_is_one_decision_each(table):
    logits = router_logits(30)
    for max_k, decision in zip((2, 8), policy(table=table).run_bh_multi_k(logits, [2, 8])):
        np.testing.assert_array_equal(decision.expert_ids, policy(f"bh:alpha=0.2,max_k={max_k}", table=table).route(logits).expert_ids)


@pytest.mark.parametrize("error, message, call", [
    (ValueError, "alpha", lambda t: policy("bh:alpha=2")),
    (ValueError, "alhpa", lambda t: policy("bh:alhpa=0.1")),
    (ValueError, "max_k", lambda t: policy("bh:max_k=65")),
    (ValueError, "t.safetensors: cannot read", lambda t: bhroute.Table.load("/nowhere/t.safetensors")),
    (ValueError, "unknown procedure", lambda t: bhroute.test("bj", np.zeros(3))),
    (TypeError, "float32", lambda t: policy(table=t).route(np.zeros((2, 64)))),
    (TypeError, "incompatible function arguments", lambda t: policy(table=t).route("logits")),
    (ValueError, "dimensions", lambda t: policy(table=t).route(np.zeros(64, np.float32))),
    (ValueError, "experts", lambda t: policy(table=t).route(np.zeros((2, 63), np.float32))),
    (ValueError, "side by side", lambda t: policy(table=t).route(np.zeros((64, 2), np.float32).T)),
    (ValueError, "NaN", lambda t: policy(table=t).route(np.full((1, 64), np.nan, np.float32))),
    (ValueError, "layer", lambda t: t.null(7)),
    (ValueError, "top_k", lambda t: bhroute.Calibrator(8, 8)),
    (ValueError, "instruction set", lambda t: bhroute.force_isa("avx9")),
])
def test_errors_are_the_librarys_own(error, message, call, table):
    with pytest.raises(error, match=message):
        call(table)


def test_a_layer_that_the_table_lacks_is_told_once_through_logging(caplog, table):
    with caplog.at_level(logging.WARNING, "bhroute"):
        for layer in (41, 42):
            policy(table=table).route(router_logits(4), layer=layer)
    assert caplog.text.count("not in the calibration table") == 1 and "layer 41" in caplog.text


def test_pickles_that_would_run_code_are_refused(tmp_path):
    hostile = next(iter(sorted(PICKLES.glob("hostile*"))))
    (tmp_path / "distribution_model_layer_0.pkl").write_bytes(hostile.read_bytes())
    with pytest.raises(ValueError, match="distribution_model_layer_0.pkl"):
        bhroute.Table.import_kde(tmp_path)


def test_works_without_pytorch():
    code = "import sys; sys.modules['torch'] = None; import bhroute; print(bhroute.bh_critical_values(4, 0.2)[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0.05"
