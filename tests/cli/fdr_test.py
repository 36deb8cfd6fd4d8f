"""bhroute fdr: hand-worked columns, every method, and files that are no column of p-values."""

import unittest

import support

P_VALUES = [0.01, 0.013, 0.014, 0.19, 0.35, 0.5, 0.63, 0.67]


class Fdr(support.CliTest):
    def fdr(self, content, *flags):
        return self.ok("fdr", self.write("p.csv", content), "--json", *flags).json()

    def test_bh_by_hand(self):
        found = self.fdr("p_value\n" + "\n".join(map(str, P_VALUES)) + "\n")
        self.assertEqual(found["rejected"], [True] * 3 + [False] * 5)
        self.assertEqual(found["num_rejections"], 3)
        # 0.014 * 8/3 is the smallest of the first three
        for adjusted in found["adjusted_p_values"][:3]:
            self.assertAlmostEqual(adjusted, 0.014 * 8 / 3, places=14)
        self.assertAlmostEqual(found["adjusted_p_values"][3], 0.19 * 8 / 4, places=14)
        self.assertEqual(found["critical_values"], [k / 8 * 0.05 for k in range(1, 9)])
        self.assertEqual(found["alpha"], 0.05)

    def test_follows_the_order_of_the_file(self):
        found = self.fdr("0.9\n0.001\n0.5\n0.002\n")
        self.assertEqual(found["rejected"], [False, True, False, True])

    def test_every_method(self):
        column = "\n".join(map(str, P_VALUES))
        counts = {"bh": 3, "by": 0, "bky": 3, "bonferroni": 0, "holm": 0, "hochberg": 0, "fixed": 3, "storey": 3,
                  "e_bh": 0}
        for method, count in counts.items():
            self.assertEqual(self.fdr(column, "--method", method)["num_rejections"], count, method)
        for method in ("hc", "hc_plus", "hc_star"):
            found = self.fdr(column, "--method", method)
            self.assertEqual(found["num_rejections"], 3, method)
            self.assertEqual(found["adjusted_p_values"], [])
            self.assertNotIn("alpha", found)

    def test_forms_of_a_column(self):
        for content in ("0.01\r\n0.9\r\n", '"p"\n"0.01"\n"0.9"\n', "\ufeff0.01\n\n0.9", " 0.01 \n\t0.9\t\n", "p\n1e-2\n.9"):
            self.assertEqual(self.fdr(content)["p_values"], [0.01, 0.9], repr(content))
        self.assertEqual(self.fdr("1e-400\n0\n1")["p_values"], [0.0, 0.0, 1.0])

    def test_stdin_and_words(self):
        text = self.ok("fdr", "-", "--alpha", "0.1", stdin="0.01\n0.9\n").out
        self.assertIn("bh, alpha = 0.1: 1 of 2 rejected", text)
        self.assertEqual(text.count("rejected"), 2)

    def test_what_is_no_column(self):
        for content, says in (("", "no p-values"), ("p\n", "no p-values"), ("0.1\nx\n", ("line 2", "not a number", "'x'")),
                              ("0.1\n1.5\n", ("line 2", "not a p-value", "1.5")), ("-0.1\n", "not a p-value"),
                              ("nan\n", "not a p-value"), ("p\nnan\n", ("line 2", "not a p-value")),
                              ("0.1\ninf\n", "not a p-value"), ("0.1,0.2\n", "more than one column"),
                              ("a,b\n0.1,0.2\n", "more than one column"), ("0.1\n0.2;3\n", ("line 2", "one column")),
                              ("0.1\n" + "9" * 100000 + "\n", "line 2"), (b"\x00\xff\n\x00", "line 2")):
            self.fails(2, "fdr", self.write("p.csv", content), says=says)
        self.fails(2, "fdr", "missing.csv", says="missing.csv")

    def test_bad_flags(self):
        path = self.write("p.csv", "0.1\n")
        self.fails(2, "fdr", path, "--method", "holms", says=("holms", "did you mean holm?"))
        self.fails(2, "fdr", path, "--alpha", "1", says=("alpha", "0 < alpha < 1"))
        self.fails(2, "fdr", path, "--alpha", "nan", says="alpha")
        self.fails(2, "fdr", path, "--method", "storey", "--lambda", "0", says="lambda")


if __name__ == "__main__":
    unittest.main()
