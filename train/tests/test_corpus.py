"""The corpus step's parts on small texts: cleaning, duplicates, held-out documents, proof of no overlap."""

import pytest

from bhroute_train.corpus import clean, command, overlap, readers

SENTENCE = "It is a truth that the reader of a manual is in want of an example and of the patience to find it. "


def words(n, start=0):
    return " ".join(f"word{start + i}" for i in range(n))


def test_an_ngram_shared_is_found_whatever_case_and_layout():
    index = overlap.Index({"novel": words(40)})
    hits = index.hits("Before. " + words(13, 5).upper().replace(" ", "\n ") + " after")
    assert len(hits) == 1 and len(index.hits(words(12, 5))) == 0
    assert index.report(index.places(["novel"])) == {"novel": (28, 28)}


def test_documents_that_quote_a_novel_are_dropped_and_the_rest_proven_clean():
    train = [("p", "a", words(60, 20)), ("p", "b", words(80, 500))]
    kept, _, proof = command.prove(train, [], {"N": words(200)}, jobs=1)
    assert [path for _, path, _ in kept] == ["b"] and proof == {"N": (188, 0)}


def test_a_short_quote_stays_and_is_counted():
    kept, _, proof = command.prove([("p", "a", words(14, 20))], [], {"N": words(200)}, jobs=1)
    assert len(kept) == 1 and proof == {"N": (188, 2)}


def test_boilerplate_of_dozens_of_documents_goes():
    documents = [("p", str(i), "Copyright someone or other\n" + SENTENCE * 5 + f"page {i}") for i in range(50)]
    assert all(not text.startswith("Copyright") for _, _, text in clean.without_boilerplate(documents))


def test_a_second_copy_goes_and_a_new_document_stays():
    a = "\n\n".join(words(60, 100 * i) for i in range(4))
    b = "\n\n".join(words(60, 9000 + 100 * i) for i in range(4))
    kept = list(clean.without_duplicates([("p", "1", a), ("q", "2", a + "\n\nshort"), ("q", "3", b)]))
    assert [path for _, path, _ in kept] == ["1", "3"]


def test_held_out_text_that_training_repeats_is_left_out():
    held = [("p", "seen", words(400)), ("p", "new", words(400, 5000))]
    _, (texts, grams, found), _ = command.prove([("q", "t", words(400))], held, {}, jobs=1)
    assert list(texts) == ["p/new"] and found == 0 and grams > 300


def test_the_same_documents_are_held_out_whatever_the_corpus():
    documents = [("p", f"usr/share/doc/p/{i}.html", f"text {i}") for i in range(2000)]
    train, held, _ = command.split(documents)
    assert 20 < len(held) < 65 and command.split(documents[::-1])[1] == held[::-1] and len(train) + len(held) == 2000


def test_html_keeps_the_main_part():
    pytest.importorskip("selectolax")
    page = b"<html><body><nav>menu</nav><div class=body><p>Hello <b>there</b>.</p><script>x()</script></div></body></html>"
    assert readers.html_text(page).strip() == "Hello there."


def test_manual_pages_lose_their_requests():
    assert readers.man_text('.\\" secret\n.TH LS 1\n.B bold\n\\fIname\\fR') == "LS 1\nbold\nname"


@pytest.mark.parametrize("path,worth", [("/usr/share/doc/x/html/intro.html", True), ("/usr/share/doc/x/de/intro.html", False),
                                        ("/usr/share/doc/x/intro.pt_BR.html", False), ("/usr/share/doc/x/copyright", False)])
def test_other_languages_and_furniture_are_skipped(path, worth):
    assert readers.worth_reading(path) is worth
