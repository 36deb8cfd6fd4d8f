"""bhroute.transformers.patch: which experts run, what the model then says, and that everything is put back."""

import contextlib
import unittest
import warnings
from unittest import mock

import numpy as np
import tiny_models
import torch
from torch.nn import functional

import bhroute
from bhroute.transformers import calibrate, find_routers, patch, unpatch
from bhroute.transformers import compressed_experts, routed_layer

ADAPTIVE = "bh:alpha=0.1,min_k=1,max_k=7"
IMPLEMENTATIONS = ("eager", "grouped_mm")
grouped_mm = functional.grouped_mm


def table_of(model):
    return calibrate(model, tiny_models.token_ids(8, 64, seed=5), null="unselected")


def flags(model):
    return [place.experts._is_expert_parallel for place in find_routers(model)]


class Recorder:
    """A grouped_mm that leaves the rows it does not compute as NaN, and counts those it does."""

    def __init__(self):
        self.rows = 0

    def __call__(self, inputs, weights, *, offs):
        end = int(offs[-1])
        self.rows += end
        outputs = grouped_mm(inputs, weights, offs=offs)
        outputs[end:] = float("nan")
        return outputs


def record_grouped():
    return mock.patch.object(functional, "grouped_mm", Recorder())


def transformers_own():
    """Every call goes to transformers' own grouped_mm_experts_forward."""
    return mock.patch.object(compressed_experts, "can_run", return_value=False)


class FindRouters(unittest.TestCase):
    def test_layers_of_every_family(self):
        for family in tiny_models.FAMILIES:
            with self.subTest(family):
                places = find_routers(tiny_models.make(family))
                self.assertEqual([place.layer for place in places], [0, 1, 2])
                self.assertEqual({(place.num_experts, place.top_k) for place in places}, {(16, 4)})
                self.assertEqual(places[0].normalizes_weights, family in ("Qwen3-MoE", "Mixtral"))

    def test_a_model_without_experts(self):
        with self.assertRaisesRegex(ValueError, "Linear: no router found"):
            find_routers(torch.nn.Linear(2, 2))


class OwnCount(unittest.TestCase):
    """With the model's own top_k nothing changes."""

    def test_identical(self):
        ids = tiny_models.token_ids()
        for family in tiny_models.FAMILIES:
            for implementation in (*IMPLEMENTATIONS, "batched_mm"):
                for dtype in (torch.float32, torch.bfloat16):
                    with self.subTest(family=family, implementation=implementation, dtype=dtype):
                        model = tiny_models.make(family, implementation).to(dtype)
                        before = tiny_models.logits_of(model, ids)
                        with patch(model, "top_k:k=4") as patched:
                            self.assertTrue(torch.equal(tiny_models.logits_of(model, ids), before))
                        self.assertEqual(patched.statistics()[0]["mean_experts"], 4.0)

    def test_by_another_rule_to_rounding(self):
        ids = tiny_models.token_ids()
        for family in tiny_models.FAMILIES:
            for implementation in IMPLEMENTATIONS:
                with self.subTest(family=family, implementation=implementation):
                    model = tiny_models.make(family, implementation)
                    before = tiny_models.logits_of(model, ids)
                    with patch(model, "bh:min_k=4,max_k=4", table_of(model)):
                        torch.testing.assert_close(tiny_models.logits_of(model, ids), before, rtol=0, atol=1e-4)

    def test_in_wider_rows(self):
        """Rows of 9 slots, 4 of them used: the sums are in another order."""
        ids = tiny_models.token_ids()
        for family in tiny_models.FAMILIES:
            with self.subTest(family):
                model = tiny_models.make(family, "grouped_mm")
                before = tiny_models.logits_of(model, ids)
                with patch(model, "prob_threshold:level=1,min_k=4,max_k=9") as patched, record_grouped():
                    torch.testing.assert_close(tiny_models.logits_of(model, ids), before, rtol=0, atol=1e-4)
                self.assertEqual([entry["max"] for entry in patched.statistics()], [4, 4, 4])


class Oracle(unittest.TestCase):
    """A block's output is the sum over the policy's experts, one by one, of weight times expert."""

    def expected(self, place, policy, hidden):
        logits = functional.linear(hidden, place.router.weight)
        decision = policy.route(logits.numpy(), place.layer)
        output = torch.zeros_like(hidden)
        for token, (ids, weights) in enumerate(zip(decision.expert_ids, decision.routing_weights)):
            for expert, weight in zip(ids[ids >= 0], weights):
                gate, up = (place.experts.gate_up_proj[expert] @ hidden[token]).chunk(2)
                output[token] += float(weight) * (place.experts.down_proj[expert] @ (functional.silu(gate) * up))
        return output

    def test_every_family_and_implementation(self):
        for family in tiny_models.FAMILIES:
            model = tiny_models.make(family)
            place = find_routers(model)[1]
            hidden = torch.randn(40, 32, generator=torch.Generator().manual_seed(3))
            table = table_of(model)
            reference = bhroute.Policy(ADAPTIVE, num_experts=16, top_k=4, table=table, reference=True,
                                       normalizes_weights=place.normalizes_weights)
            with torch.no_grad():
                expected = self.expected(place, reference, hidden)
            for implementation in (*IMPLEMENTATIONS, "batched_mm"):
                with self.subTest(family=family, implementation=implementation), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    model.set_experts_implementation(implementation)
                    with patch(model, ADAPTIVE, table), torch.no_grad():
                        _, weights, ids = place.router(hidden)
                        found = place.experts(hidden, ids, weights)
                    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


class Skipping(unittest.TestCase):
    def setUp(self):
        self.model = tiny_models.make("OLMoE", "grouped_mm")
        self.table = table_of(self.model)
        self.ids = tiny_models.token_ids()

    def pairs(self, patched):
        return round(sum(entry["num_tokens"] * entry["mean_experts"] for entry in patched.statistics()))

    def test_grouped_mm_computes_the_selected_pairs_only(self):
        with patch(self.model, ADAPTIVE, self.table) as patched, record_grouped() as recorder:
            tiny_models.logits_of(self.model, self.ids)
        own = 3 * self.ids.numel() * 4
        self.assertEqual(recorder.rows, 2 * self.pairs(patched))  # gate_up and down
        self.assertLess(self.pairs(patched), 0.9 * own)
        self.assertGreater(self.pairs(patched), 0.3 * own)

    def test_eager_computes_the_selected_pairs_only(self):
        self.model.set_experts_implementation("eager")
        rows, linear = [], functional.linear

        def counting(inputs, weights, *rest):
            if weights.shape == (96, 32):
                rows.append(len(inputs))
            return linear(inputs, weights, *rest)

        with patch(self.model, ADAPTIVE, self.table) as patched, mock.patch.object(functional, "linear", counting):
            tiny_models.logits_of(self.model, self.ids)
        self.assertEqual(sum(rows), self.pairs(patched))

    def test_rows_that_are_not_computed_are_not_read(self):
        for way in (contextlib.nullcontext, transformers_own):
            with self.subTest(way), way(), patch(self.model, ADAPTIVE, self.table):
                expected = tiny_models.logits_of(self.model, self.ids)
                with record_grouped():
                    found = tiny_models.logits_of(self.model, self.ids)
                self.assertTrue(torch.equal(found, expected))
                self.assertTrue(found.isfinite().all())

    def test_without_the_flag_they_are(self):
        """What the test above would find: the flag is what guards those rows."""
        with patch(self.model, ADAPTIVE, self.table), record_grouped(), transformers_own():
            for place in find_routers(self.model):
                place.experts._is_expert_parallel = False
            self.assertFalse(tiny_models.logits_of(self.model, self.ids).isfinite().all())

    def test_says_once_that_it_cannot_skip(self):
        self.model.set_experts_implementation("batched_mm")
        routed_layer._told.clear()
        with patch(self.model, ADAPTIVE, self.table), warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            tiny_models.logits_of(self.model, self.ids)
            tiny_models.logits_of(self.model, self.ids)
        said = [str(one.message) for one in caught if "cannot skip" in str(one.message)]
        self.assertEqual(len(said), 1, said)
        self.assertIn("'batched_mm'", said[0])


class Compressed(unittest.TestCase):
    """`grouped_mm` over the selected pairs, or over a row for every slot: few tokens, or nothing may wait."""

    def setUp(self):
        self.ids = tiny_models.token_ids()
        limit = mock.patch.object(compressed_experts, "FEWEST_TOKENS", self.ids.numel())
        limit.start()
        self.addCleanup(limit.stop)

    def test_the_bits_of_the_slots_that_are_skipped(self):
        for family in tiny_models.FAMILIES:
            with self.subTest(family):
                model = tiny_models.make(family, "grouped_mm")
                with patch(model, ADAPTIVE, table_of(model)) as patched, record_grouped() as recorder:
                    compressed = tiny_models.logits_of(model, self.ids)
                    pairs = sum(entry["num_tokens"] * entry["mean_experts"] for entry in patched.statistics())
                    self.assertEqual(recorder.rows, 2 * round(pairs))
                    with mock.patch.object(compressed_experts, "FEWEST_TOKENS", 10**9):
                        self.assertTrue(torch.equal(tiny_models.logits_of(model, self.ids), compressed))
                    with transformers_own():
                        self.assertTrue(torch.equal(tiny_models.logits_of(model, self.ids), compressed))

    def test_experts_that_older_versions_make(self):
        """5.17 and before know no norm behind the experts."""
        experts = find_routers(tiny_models.make("OLMoE", "grouped_mm"))[0].experts
        del experts.has_post_expert_norm
        self.assertTrue(compressed_experts.can_run(experts, torch.zeros(self.ids.numel(), 32)))

    def test_few_tokens_that_want_gradients_go_transformers_own_way(self):
        experts = find_routers(tiny_models.make("OLMoE", "grouped_mm"))[0].experts
        few, many = torch.zeros(2, 32), torch.zeros(self.ids.numel(), 32)
        self.assertEqual([compressed_experts.can_run(experts, one) for one in (few, many)], [False, True])
        with torch.no_grad():
            self.assertTrue(compressed_experts.can_run(experts, few))


class PuttingBack(unittest.TestCase):
    def setUp(self):
        self.model = tiny_models.make("Qwen2-MoE", "grouped_mm")
        self.table = table_of(self.model)
        self.ids = tiny_models.token_ids()
        self.before = tiny_models.logits_of(self.model, self.ids)

    def check(self):
        self.assertEqual(flags(self.model), [False] * 3)
        for place in find_routers(self.model):
            self.assertFalse("forward" in place.router.__dict__ or "forward" in place.experts.__dict__)
        self.assertTrue(torch.equal(tiny_models.logits_of(self.model, self.ids), self.before))
        self.assertEqual(len(self.model._forward_pre_hooks), 0)

    def test_unpatch(self):
        patch(self.model, ADAPTIVE, self.table)
        self.assertEqual(flags(self.model), [True] * 3)
        self.assertFalse(torch.equal(tiny_models.logits_of(self.model, self.ids), self.before))
        unpatch(self.model)
        self.check()

    def test_after_an_error_inside(self):
        with self.assertRaises(KeyError), patch(self.model, ADAPTIVE, self.table):
            raise KeyError
        self.check()

    def test_statistics_stay(self):
        with patch(self.model, ADAPTIVE, self.table) as patched:
            tiny_models.logits_of(self.model, self.ids)
        self.assertEqual(patched.statistics()[2]["num_tokens"], self.ids.numel())
        patched.unpatch()
        self.check()

    def test_a_forward_that_was_there_before(self):
        router = find_routers(self.model)[0].router
        router.forward = own = router.forward
        with patch(self.model, ADAPTIVE, self.table):
            self.assertIsNot(router.forward, own)
        self.assertIs(router.forward, own)

    def test_refuses(self):
        with patch(self.model, ADAPTIVE, self.table):
            with self.assertRaisesRegex(ValueError, "patched already"):
                patch(self.model, ADAPTIVE, self.table)
            with self.assertRaisesRegex(ValueError, "want its own routing"):
                calibrate(self.model, self.ids)
        with self.assertRaisesRegex(ValueError, "not patched"):
            unpatch(self.model)
        with self.assertRaisesRegex(ValueError, "max_k"):
            patch(self.model, "bh:max_k=17", self.table)
        with self.assertRaisesRegex(ValueError, "made for 8 experts"):
            patch(self.model, bhroute.Policy("top_k:k=2", num_experts=8, top_k=2))
        find_routers(self.model)[1].experts._is_expert_parallel = True
        with self.assertRaisesRegex(ValueError, "spread over devices"):
            patch(self.model, ADAPTIVE, self.table)
        find_routers(self.model)[1].experts._is_expert_parallel = False
        self.check()


class Generation(unittest.TestCase):
    def setUp(self):
        self.model = tiny_models.make("Qwen3-MoE", "grouped_mm")
        self.table = table_of(self.model)

    def write(self, ids, **arguments):
        with torch.no_grad():
            return self.model.generate(input_ids=ids, max_new_tokens=12, do_sample=False, **arguments)

    def test_with_and_without_a_cache(self):
        ids = tiny_models.token_ids(1, 10)
        with patch(self.model, ADAPTIVE, self.table):
            self.assertTrue(torch.equal(self.write(ids, use_cache=True), self.write(ids, use_cache=False)))

    def test_padding_changes_no_token(self):
        long, short = tiny_models.token_ids(1, 10), tiny_models.token_ids(1, 6, seed=9)
        padded = torch.cat([torch.zeros(1, 4, dtype=torch.long), short], dim=1)
        mask = torch.ones(2, 10, dtype=torch.long)
        mask[1, :4] = 0
        with patch(self.model, ADAPTIVE, self.table) as patched:
            together = self.write(torch.cat([long, padded]), attention_mask=mask)[:, 10:]
            counted = patched.statistics()[0]
            patched.reset_statistics()
            apart = [self.write(ids)[:, ids.shape[1]:] for ids in (long, short)]
            self.assertEqual(patched.statistics()[0], counted)  # the padding is not in it
        self.assertTrue(torch.equal(together, torch.cat(apart)))

    def test_statistics_equal_the_decisions(self):
        ids = tiny_models.token_ids(2, 20)
        with patch(self.model, ADAPTIVE, self.table) as patched, torch.no_grad():
            logits = self.model(input_ids=ids, output_router_logits=True).router_logits
        policy = bhroute.Policy(ADAPTIVE, num_experts=16, top_k=4, normalizes_weights=True, table=self.table)
        for entry, layer_logits in zip(patched.statistics(), logits):
            decision = policy.route(layer_logits.numpy(), entry["layer"])
            counts = np.asarray(decision.num_selected)
            self.assertEqual(entry["histogram"], np.bincount(counts, minlength=17).tolist())
            chosen = np.asarray(decision.expert_ids)
            self.assertEqual(entry["utilisation"], np.bincount(chosen[chosen >= 0], minlength=16).tolist())
            self.assertAlmostEqual(entry["mean_experts"], counts.mean())
            self.assertAlmostEqual(entry["sd"], counts.std())
            self.assertAlmostEqual(entry["floor_share"], (counts == 1).mean())
            self.assertAlmostEqual(entry["ceiling_share"], (counts == 7).mean())
            self.assertEqual((entry["min"], entry["max"]), (counts.min(), counts.max()))

    def test_no_statistics_unless_wanted(self):
        with patch(self.model, ADAPTIVE, self.table, statistics=False) as patched:
            tiny_models.logits_of(self.model, tiny_models.token_ids())
        self.assertEqual(patched.statistics(), [])


if __name__ == "__main__":
    unittest.main()
