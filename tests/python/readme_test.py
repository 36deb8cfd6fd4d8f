"""The README's example runs as it stands."""

import re

import numpy as np
from conftest import ROOT, make_table, router_logits


def test_the_example_in_the_readme(tmp_path, monkeypatch, capsys):
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## In Python", 1)[1].split("\n## ", 1)[0]
    code = re.search(r"```python\n(.*?)```", section, re.DOTALL).group(1)
    assert len(code.strip().splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    np.save("calibration.npy", router_logits(2000))
    np.save("logits.npy", router_logits(100, seed=2))
    exec(compile(code, "README.md", "exec"), {})
    assert re.fullmatch(r"\d\.\d\d experts a token\n", capsys.readouterr().out)
    assert (tmp_path / "table.safetensors").is_file()
