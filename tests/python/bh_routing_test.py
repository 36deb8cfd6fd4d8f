"""bhroute.bh_routing against plain numpy formulas of what the original documents."""

import os
import pickle
import tempfile
import unittest
from pathlib import Path

import numpy as np
import tiny_models
import torch

from bhroute import bh_routing

EPS = np.finfo(np.float32).eps
SEED_TABLES = os.environ.get("BHROUTE_SEED_TABLES")
NUM_LAYERS = 3


def curves(seed=0):
    """{layer: {'x', 'cdf'}} of normal samples, layer by layer wider."""
    generator = np.random.default_rng(seed)
    models = {}
    for layer in range(NUM_LAYERS):
        x = np.unique(generator.normal(scale=1.0 + 0.3 * layer, size=400))
        models[layer] = {"x": x, "cdf": np.arange(1, len(x) + 1) / len(x)}
    return models


def logits_like(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(scale=1.7, size=shape).astype(np.float32))


def formula(logits, model, alpha=0.05, temperature=1.0, min_k=1, max_k=16):
    """(weights, ids, counts, p) of one token, by the documented steps in numpy."""
    p = np.clip((1 - np.interp(logits.astype(np.float64), model["x"], model["cdf"])).astype(np.float32), EPS, 1 - EPS)
    order = np.lexsort((np.arange(len(p)), -logits, p))
    passed = p[order] <= np.arange(1, len(p) + 1) / len(p) * alpha
    count = int(np.clip(passed.nonzero()[0].max() + 1 if passed.any() else 0, min_k, min(max_k, len(p))))
    exponents = np.exp((logits - logits.max()) / temperature, dtype=np.float64)
    weights = np.zeros(len(p))
    weights[order[:count]] = exponents[order[:count]] / exponents[order[:count]].sum()
    return weights, order[:count], count, p


class Routing(unittest.TestCase):
    def setUp(self):
        self.models = curves()

    def check(self, logits, results, **arguments):
        layer = arguments.pop("layer_idx", 0)
        weights, ids, counts = (result.reshape(-1, *result.shape[logits.dim() - 1:]) for result in results[:3])
        for t, row in enumerate(logits.float().reshape(-1, logits.shape[-1]).numpy()):
            wanted = formula(row, self.models[layer], **arguments)
            self.assertEqual(int(counts[t]), wanted[2])
            self.assertEqual(ids[t][ids[t] >= 0].tolist(), wanted[1].tolist())
            np.testing.assert_allclose(weights[t].float().numpy(), wanted[0], rtol=1e-5, atol=1e-7)

    def test_by_the_formula(self):
        logits = logits_like(200, 64)
        cases = [{}, {"alpha": 0.01}, {"alpha": 0.2}, {"alpha": 0.9, "max_k": 64}, {"temperature": 0.5},
                 {"temperature": 2.0, "alpha": 0.3}, {"min_k": 3, "max_k": 4}, {"min_k": 8, "max_k": 8},
                 {"layer_idx": 2, "alpha": 0.4}]
        for case in cases:
            with self.subTest(case):
                self.check(logits, bh_routing.benjamini_hochberg_routing(logits, kde_models=self.models, **case), **case)

    def test_shapes_and_dtypes(self):
        for shape in ((5, 8), (2, 5, 8), (1, 1, 64)):
            logits = logits_like(*shape)
            weights, ids, counts = bh_routing.benjamini_hochberg_routing(logits, kde_models=self.models, max_k=16)
            self.assertEqual(tuple(weights.shape), shape)
            self.assertEqual(tuple(ids.shape), (*shape[:-1], 16))
            self.assertEqual(tuple(counts.shape), shape[:-1])
            self.assertEqual((weights.dtype, ids.dtype, counts.dtype), (torch.float32, torch.int64, torch.int64))
            torch.testing.assert_close(weights.sum(-1), torch.ones(shape[:-1]))
            self.assertTrue(((ids >= 0).sum(-1) == counts).all())
            self.check(logits, (weights, ids, counts), max_k=16)

    def test_defaults(self):
        logits = logits_like(30, 64)
        same = bh_routing.benjamini_hochberg_routing(logits, 0.05, 1.0, 1, 16, 0, self.models, False, None, 100, 0, 0)
        for a, b in zip(bh_routing.benjamini_hochberg_routing(logits, kde_models=self.models), same):
            self.assertTrue(torch.equal(a, b))

    def test_half_precision_keeps_p_values_in_float32(self):
        """A bf16 p-value is a multiple of 1/128 near 1: rank 1 could not pass below alpha = 0.5."""
        logits = logits_like(50, 64).to(torch.bfloat16)
        weights, ids, counts, stats = bh_routing.benjamini_hochberg_routing(logits, kde_models=self.models,
                                                                            return_stats=True)
        self.assertEqual((weights.dtype, stats["p_values"].dtype), (torch.bfloat16, torch.float32))
        self.assertGreater(int(counts.max()), 1)
        for t, row in enumerate(logits.float().numpy()):
            self.assertEqual(ids[t][ids[t] >= 0].tolist(), formula(row, self.models[0])[1].tolist())

    def test_stats(self):
        logits = logits_like(2, 9, 64)
        weights, ids, counts, stats = bh_routing.benjamini_hochberg_routing(
            logits, alpha=0.2, temperature=1.5, layer_idx=1, kde_models=self.models, return_stats=True)
        self.assertEqual(set(stats), {"selected_mask", "num_selected", "p_values", "critical_values", "alpha",
                                      "temperature", "layer_idx", "kde_available"})
        self.assertTrue(torch.equal(stats["num_selected"], counts))
        self.assertTrue(torch.equal(stats["selected_mask"], weights > 0))
        np.testing.assert_allclose(stats["critical_values"].numpy(), np.arange(1, 65) / 64 * 0.2, rtol=1e-6)
        self.assertEqual((stats["alpha"], stats["temperature"], stats["layer_idx"]), (0.2, 1.5, 1))
        self.assertIs(stats["kde_available"], True)
        for row, p in zip(logits.reshape(-1, 64).numpy(), stats["p_values"].reshape(-1, 64).numpy()):
            np.testing.assert_allclose(p, formula(row, self.models[1])[3], rtol=0, atol=1e-7)

    def test_equal_p_values_are_ordered_by_logit(self):
        """Beyond the grid all p-values are eps; the original's sort leaves their order open."""
        logits = torch.tensor([[90.0, 70.0, 80.0, 0.0]])
        _, ids, counts = bh_routing.benjamini_hochberg_routing(logits, max_k=3, kde_models=self.models)
        self.assertEqual((ids.tolist(), counts.tolist()), ([[0, 2, 1]], [3]))

    def test_refuses(self):
        logits = logits_like(3, 8)
        for case, says in (({"alpha": 0.0}, "alpha"), ({"alpha": 1.5}, "alpha"), ({"temperature": 0.0}, "temperature"),
                           ({"min_k": 0}, "min_k"), ({"min_k": 5, "max_k": 4}, "max_k")):
            with self.subTest(case), self.assertRaisesRegex(ValueError, says):
                bh_routing.benjamini_hochberg_routing(logits, kde_models=self.models, **case)
        with self.assertRaisesRegex(ValueError, r"shape \[8\]"):
            bh_routing.benjamini_hochberg_routing(logits[0], kde_models=self.models)
        with self.assertRaisesRegex(TypeError, "want a tensor of floats"):
            bh_routing.benjamini_hochberg_routing(logits.numpy(), kde_models=self.models)
        with self.assertRaisesRegex(TypeError, "want a dict of layers"):
            bh_routing.benjamini_hochberg_routing(logits, kde_models=[1])


class PValues(unittest.TestCase):
    def test_kde(self):
        models, logits = curves(), logits_like(4, 7, 16)
        logits[0, 0, 0], logits[0, 0, 1], logits[0, 0, 2] = 1e9, -1e9, float("nan")
        p = bh_routing.compute_pvalues_kde(logits, 1, models)
        self.assertEqual((p.shape, p.dtype), (logits.shape, torch.float32))
        wanted = np.clip(1 - np.interp(logits.double().numpy(), models[1]["x"], models[1]["cdf"]), EPS, 1 - EPS)
        np.testing.assert_allclose(p.numpy(), wanted, atol=1e-7)
        self.assertEqual(float(p[0, 0, 0]), EPS)
        self.assertTrue(p[0, 0, 2].isnan())

    def test_empirical_ranks_within_the_call(self):
        logits = logits_like(9, 6)
        p = bh_routing.compute_pvalues_empirical(logits).numpy()
        ranks = (logits.numpy()[:, None] >= logits.numpy()[None]).sum(1)  # among the tokens, an expert apart
        np.testing.assert_allclose(p, np.clip(1 - ranks / 9, EPS, 1 - EPS), rtol=1e-6)
        alone = bh_routing.compute_pvalues_empirical(logits[:1]).numpy()[0]
        ranks = (logits.numpy()[0][:, None] >= logits.numpy()[0][None]).sum(1)
        np.testing.assert_allclose(alone, np.clip(1 - ranks / 6, EPS, 1 - EPS), rtol=1e-6)

    def test_a_layer_without_a_curve_falls_back(self):
        logits = logits_like(9, 6)
        expected = bh_routing.compute_pvalues_empirical(logits)
        self.assertTrue(torch.equal(bh_routing.compute_pvalues_kde(logits, 7, curves()), expected))
        _, _, counts, stats = bh_routing.benjamini_hochberg_routing(logits, layer_idx=7, kde_models=curves(),
                                                                    max_k=6, alpha=0.3, return_stats=True)
        self.assertIs(stats["kde_available"], False)
        self.assertTrue(torch.equal(stats["p_values"], expected))
        for p, count in zip(expected.numpy(), counts.tolist()):
            passed = np.sort(p) <= np.arange(1, 7) / 6 * 0.3
            self.assertEqual(count, max(1, passed.nonzero()[0].max() + 1 if passed.any() else 0))


class LoadKdeModels(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.addCleanup(os.environ.pop, "BHROUTE_KDE_DIR", None)
        self.addCleanup(os.chdir, os.getcwd())

    def write(self, models, folder=None):
        for layer, model in models.items():
            path = (folder or self.folder) / f"distribution_model_layer_{layer}.pkl"
            path.write_bytes(pickle.dumps(model, protocol=4))

    def same(self, found, models):
        self.assertEqual(list(found), list(models))
        for layer, model in models.items():
            for key in ("x", "cdf"):
                self.assertEqual(found[layer][key].dtype, np.float64)
                np.testing.assert_array_equal(found[layer][key], model[key])

    def test_reads_a_folder(self):
        self.write(curves())
        self.same(bh_routing.load_kde_models(self.folder), curves())

    def test_searches(self):
        os.chdir(self.folder)
        self.assertEqual(bh_routing.load_kde_models(), {})
        (self.folder / "kde_models/models").mkdir(parents=True)
        self.write(curves(1), self.folder / "kde_models/models")
        self.same(bh_routing.load_kde_models(), curves(1))
        self.write(curves(2))
        os.environ["BHROUTE_KDE_DIR"] = str(self.folder)
        self.same(bh_routing.load_kde_models(), curves(2))

    def test_sees_a_change(self):
        """The original keeps what it read first."""
        self.write(curves())
        os.environ["BHROUTE_KDE_DIR"] = str(self.folder)
        logits = logits_like(20, 64)
        before = bh_routing.compute_pvalues_kde(logits)
        self.write(curves(3))
        after = bh_routing.compute_pvalues_kde(logits)
        self.assertFalse(torch.equal(before, after))
        self.assertTrue(torch.equal(after, bh_routing.compute_pvalues_kde(logits, 0, curves(3))))

    def test_executes_nothing(self):
        class Harm:
            def __reduce__(self):
                return os.mkdir, (str(harmed),)

        harmed = self.folder / "harmed"
        (self.folder / "distribution_model_layer_0.pkl").write_bytes(pickle.dumps(Harm()))
        with self.assertRaises(ValueError):
            bh_routing.load_kde_models(self.folder)
        self.assertFalse(harmed.exists())


class Logger:
    def __init__(self):
        self.entries = []

    def log_routing_decision(self, entry):
        self.entries.append(entry)


class Logging(unittest.TestCase):
    def route(self, logits, **arguments):
        logger = Logger()
        results = bh_routing.benjamini_hochberg_routing(logits, kde_models=curves(), logger=logger, **arguments)
        return logger.entries, results

    def test_one_entry(self):
        logits = logits_like(12, 16)
        entries, (_, ids, counts) = self.route(logits, alpha=0.3, layer_idx=1, token_idx=10, log_every_n_tokens=5,
                                               sample_idx=4, max_k=6)
        (entry,) = entries
        self.assertEqual(set(entry), {"sample_idx", "token_idx", "layer_idx", "router_logits", "p_values",
                                      "selected_experts", "num_selected", "alpha", "min_k", "max_k", "sorted_p_values"})
        self.assertEqual([entry[key] for key in ("sample_idx", "token_idx", "layer_idx", "alpha", "min_k", "max_k")],
                         [4, 10, 1, 0.3, 1, 6])
        np.testing.assert_array_equal(entry["router_logits"], logits[10].numpy())
        self.assertEqual((entry["selected_experts"], entry["num_selected"]), (ids[10].tolist(), int(counts[10])))
        np.testing.assert_array_equal(entry["sorted_p_values"], np.sort(entry["p_values"]))

    def test_which_calls_are_logged(self):
        self.assertEqual(len(self.route(logits_like(3, 8))[0]), 1)  # token 0 of every 100
        self.assertEqual(self.route(logits_like(3, 8), token_idx=1)[0], [])
        self.assertEqual(self.route(logits_like(3, 8), token_idx=100)[0], [])  # no such token in the call
        entries, _ = self.route(logits_like(2, 3, 8), token_idx=2, sample_idx=1, log_every_n_tokens=2)
        np.testing.assert_array_equal(entries[0]["router_logits"], logits_like(2, 3, 8)[1, 2].numpy())


class TopKAndStatistics(unittest.TestCase):
    def test_topk(self):
        logits = logits_like(2, 5, 16)
        weights, ids, counts = bh_routing.topk_routing(logits, k=3)
        self.assertTrue(torch.equal(ids, logits.topk(3).indices))
        self.assertTrue((counts == 3).all())
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 5))
        kept, _, _ = bh_routing.topk_routing(logits, k=3, temperature=2.0, normalize=False)
        torch.testing.assert_close(kept[weights > 0], torch.softmax(logits / 2, -1)[weights > 0])
        with self.assertRaisesRegex(ValueError, "k: got 17"):
            bh_routing.topk_routing(logits, k=17)

    def test_multi_k(self):
        logits = logits_like(40, 64)
        results = bh_routing.run_bh_multi_k(logits, alpha=0.5, kde_models=curves())
        self.assertEqual(list(results), [8, 16, 32, 64])
        for max_k, result in results.items():
            same = bh_routing.benjamini_hochberg_routing(logits, alpha=0.5, max_k=max_k, kde_models=curves())
            for a, b in zip(result, same):
                self.assertTrue(torch.equal(a, b))

    def test_statistics(self):
        weights = torch.tensor([[0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])
        found = bh_routing.compute_routing_statistics(weights, torch.tensor([2, 1, 4]))
        wanted = {"mean_experts": 7 / 3, "std_experts": np.std([2, 1, 4], ddof=1), "min_experts": 1, "max_experts": 4,
                  "sparsity": 5 / 12, "weight_entropy": (np.log(2) + np.log(4)) / 3}
        self.assertEqual(set(found), set(wanted))
        for key, value in wanted.items():
            self.assertAlmostEqual(found[key], value, places=6)
        self.assertEqual(bh_routing.compute_routing_statistics(weights[:1], torch.tensor([2]))["std_experts"], 0.0)


class Patcher(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        LoadKdeModels.write(self, curves(), Path(temporary.name))
        os.environ["BHROUTE_KDE_DIR"] = temporary.name
        self.addCleanup(os.environ.pop, "BHROUTE_KDE_DIR")

    def test_patches_and_puts_back(self):
        model, ids = tiny_models.make("OLMoE", "grouped_mm"), tiny_models.token_ids()
        before = tiny_models.logits_of(model, ids)
        patcher = bh_routing.OLMoERouterPatcher(model)
        self.assertEqual(len(patcher.moe_blocks), 3)
        patcher.patch_with_bh(alpha=0.3, temperature=1.0, min_k=1, max_k=8, collect_stats=True)
        self.assertTrue(patcher.patched)
        with torch.no_grad():
            found = model(input_ids=ids, output_router_logits=True)
        self.assertFalse(torch.equal(found.logits, before))
        _, _, counts = bh_routing.benjamini_hochberg_routing(found.router_logits[1], alpha=0.3, max_k=8, layer_idx=1)
        self.assertAlmostEqual(patcher.stats[1]["mean_experts"], counts.double().mean().item())
        patcher.patch_with_bh(alpha=0.3, min_k=8, max_k=8, collect_stats=False)
        self.assertEqual(patcher.stats, {})
        patcher.unpatch()
        self.assertFalse(patcher.patched)
        self.assertTrue(torch.equal(tiny_models.logits_of(model, ids), before))


@unittest.skipUnless(SEED_TABLES, "BHROUTE_SEED_TABLES names no folder of the original's tables")
class WorkedExample(unittest.TestCase):
    LOGITS = [4.9269, 4.4873, 3.9007, 2.6784, 2.1228, 1.9569, 1.8446, 1.7174]
    P_VALUES = [0.0, 0.0, 0.0, 0.000187, 0.002426, 0.003939, 0.005432, 0.007688]

    def test_seven_are_selected(self):
        models = bh_routing.load_kde_models(SEED_TABLES)
        self.assertEqual(list(models), list(range(16)))
        logits = torch.tensor([self.LOGITS + [-5.0] * 56])
        _, ids, counts, stats = bh_routing.benjamini_hochberg_routing(logits, kde_models=models, return_stats=True)
        np.testing.assert_allclose(stats["p_values"][0, :8].numpy(), self.P_VALUES, atol=1.1e-6)
        self.assertEqual((counts.tolist(), ids[0].tolist()), ([7], [0, 1, 2, 3, 4, 5, 6] + [-1] * 9))


if __name__ == "__main__":
    unittest.main()
