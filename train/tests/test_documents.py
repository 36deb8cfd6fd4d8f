"""The commands of docs/elastic.md and train/README.md are understood; test_train.py and test_corpus.py run each on a tiny corpus."""

import pathlib
import re
import shlex

import pytest

from bhroute_train.__main__ import COMMANDS, main, parsed

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALL = "python -m bhroute_train "


def calls(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = "".join(re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)).replace("\\\n", "").splitlines()
    return [line.removeprefix(CALL) for line in lines if line.startswith(CALL)]


def test_every_command_of_the_page_is_understood():
    understood = [parsed(shlex.split(line)).command for line in calls("docs/elastic.md")]
    assert len(understood) >= 7
    assert set(understood) == {"corpus", "shards", "pretrain", "evaluate", "elastic", "compare"}


def test_a_flag_that_is_not_there_is_refused(capsys):
    with pytest.raises(SystemExit):
        parsed(["elastic", "--samplr", "bh"])
    capsys.readouterr()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command, capsys):
    assert "COMMAND --help" in calls("train/README.md")
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert command in capsys.readouterr().out
