"""`corpus`: fetch, read, clean, deduplicate, hold out, prove, write."""

import csv
import hashlib
import json
import multiprocessing
from pathlib import Path

import numpy as np

from ..progress import Progress
from . import clean, overlap, packages, readers

HELD_OUT_PERCENT = 2
HELD_OUT_CHARACTERS = 1_600_000
HELD_OUT_EACH = 4000  # a document's first characters, so that many documents are in it
MAX_HELD_OUT_SHARED = 0.02  # of a held-out document's n-grams
MAX_NOVEL_SHARED = 5  # n-grams a training document may share with the novels before it is dropped
PACKAGE_CHARACTERS = 2_500_000
LARGE_PACKAGES = {"dict-gcide": 16_000_000, "linux-doc-6.1": 10_000_000, "rust-doc": 8_000_000, "r-cran-janeaustenr": 10_000_000}
NOVELS = ("PERSUASION", "NORTHANGER ABBEY")  # shipped with the project: calibration and evaluation


def name_hash(package, path):
    """By the document's name alone, so that every corpus holds out the same documents."""
    return int(hashlib.md5(f"{package}/{path}".encode()).hexdigest(), 16)


def read_package(package, folder):
    """(package, path, text) of each document, in the order of their paths."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        name = str(path.relative_to(folder))
        if package == "r-cran-janeaustenr" and path.name == "Rdata.rdb":
            books = readers.r_books(path.read_bytes())
            yield from ((package, f"{name}#{title}", text) for title, text in books.items())
        elif readers.worth_reading("/" + name):
            try:
                text = clean.tidy(readers.read_file(path, package) or "")
            except (OSError, EOFError, ValueError):
                continue
            if len(text) >= clean.MIN_CHARACTERS and clean.is_prose(text):
                yield package, name, text


def extract(task):
    """One package to one file of documents, once; the word to print."""
    package, work = task
    out = work / "documents" / f"{package}.jsonl"
    if out.exists():
        return package
    deb = packages.fetch(package, work / "debs")
    if not deb:
        return f"{package} (not in this Debian)"
    folder = work / "unpacked" / package
    packages.unpack(deb, folder)
    partial = out.with_suffix(".partial")
    with partial.open("w") as file:
        head = {"deb": deb.name, "licences": packages.licences(folder, package)}
        file.write(json.dumps(head) + "\n")
        for document in read_package(package, folder):
            file.write(json.dumps(document) + "\n")
    partial.rename(out)
    return package


def load(work, names):
    """All documents, each package cut at its share; and a row of the table of licences for each package."""
    documents, table = [], []
    for package in names:
        path = work / "documents" / f"{package}.jsonl"
        if not path.exists():
            continue
        head, *rest = path.read_text().split("\n")[:-1]
        head, total, most = json.loads(head), 0, LARGE_PACKAGES.get(package, PACKAGE_CHARACTERS)
        for document in sorted((json.loads(line) for line in rest), key=lambda d: name_hash(*d[:2])):
            if total < most:
                documents.append(tuple(document))
                total += len(document[2])
        table.append({"package": package, "file": head["deb"], "licences": "; ".join(head["licences"])[:300]})
    return documents, table


def split(documents):
    """Training documents, held-out documents and the novels, told apart by name alone."""
    novels = {path.split("#")[1]: text for _, path, text in documents if path.endswith(tuple("#" + n for n in NOVELS))}
    rest = [d for d in documents if not d[1].endswith(tuple("#" + n for n in NOVELS))]
    held = [d for d in rest if name_hash(*d[:2]) % 100 < HELD_OUT_PERCENT and d[0] not in ("dict-gcide", "r-cran-janeaustenr")]
    names = {d[:2] for d in held}
    return [d for d in rest if d[:2] not in names], held, novels


_INDEX = None


def _start(index):
    global _INDEX
    _INDEX = index


def _hits(text):
    return _INDEX.hits(text)


def look_for(index, train, jobs):
    """For each training document, the places of the index's n-grams that it holds."""
    progress, found = Progress("corpus: looking for held-out text", len(train)), []
    with multiprocessing.Pool(jobs, _start, [index]) as pool:
        for hits in pool.imap(_hits, (text for _, _, text in train), chunksize=64):
            found.append(hits)
            progress.step()
    return found


def cut_held_out(held):
    """name -> the first characters of each held-out document, in an order by hash."""
    held = sorted(held, key=lambda d: hashlib.sha256(d[1].encode()).digest())
    return {f"{p}/{path}": text[:HELD_OUT_EACH].rsplit("\n", 1)[0] for p, path, text in held if len(text) > 1500}


def prove(train, held, novels, jobs):
    """Training documents without quotes of the novels; held-out documents that training does not repeat; the counts."""
    texts = cut_held_out(held)
    index = overlap.Index({**texts, **novels})
    hits, of_novels = look_for(index, train, jobs), index.places(novels)
    quotes = [of_novels[h].sum() > MAX_NOVEL_SHARED for h in hits]
    found = np.zeros(len(index.all), bool)
    for h, quoted in zip(hits, quotes, strict=True):
        found[h] |= not quoted
    report = index.report(found)
    train = [d for d, quoted in zip(train, quotes, strict=True) if not quoted]
    return train, choose_held_out(texts, report), {name: report[name] for name in novels}


def choose_held_out(texts, report):
    """(names, n-grams, of these found in training) of documents that training hardly repeats, up to the wanted size."""
    names, total, grams, found = [], 0, 0, 0
    for name, text in texts.items():
        count, hits = report[name]
        if count and hits <= MAX_HELD_OUT_SHARED * count and total < HELD_OUT_CHARACTERS:
            names.append(name)
            total, grams, found = total + len(text), grams + count, found + hits
    return {name: texts[name] for name in names}, grams, found


def write(out, train, held, table, report):
    out.mkdir(parents=True, exist_ok=True)
    train = sorted(train, key=lambda d: hashlib.sha256(f"{d[0]}/{d[1]}".encode()).digest())
    (out / "train.txt").write_text("\x1e".join(text for _, _, text in train))
    (out / "held_out.txt").write_text("\n\n".join(held.values()))
    (out / "held_out_documents.txt").write_text("\n".join(held) + "\n")
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    with (out / "licences.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def characters(documents):
    return sum(len(d[2]) for d in documents)


def run(args):
    work, names = Path(args.work), packages.wanted(args.packages)
    for folder in ("debs", "unpacked", "documents"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    progress = Progress("corpus: packages", len(names))
    with multiprocessing.Pool(args.jobs) as pool:
        for name in pool.imap_unordered(extract, [(name, work) for name in names]):
            progress.step(note=name)
    documents, table = load(work, names)
    report = {"packages": len(table), "documents_read": len(documents), "characters_read": characters(documents)}
    documents = list(clean.without_duplicates(clean.without_boilerplate(documents)))
    report |= {"documents_clean": len(documents), "characters_clean": characters(documents)}
    train, held, novels = split(documents)
    train, (held, grams, found), proof = prove(train, held, novels, args.jobs)
    report |= {"documents_train": len(train), "characters_train": characters(train), "ngram_words": overlap.NGRAM,
               "novels_ngrams_and_found_in_training": proof, "held_out_documents": len(held),
               "held_out_ngrams_and_found_in_training": [grams, found]}
    write(Path(args.out), train, held, table, report)
    print(json.dumps(report, indent=1))


def add_arguments(parser):
    parser.add_argument("--packages", default=Path(__file__).parent / "packages.txt", help="list of Debian packages")
    parser.add_argument("--work", default="work/corpus", help="folder of downloads and documents, kept between runs")
    parser.add_argument("--out", default="work/text", help="folder of the text")
    parser.add_argument("--jobs", type=int, default=2, help="packages read at a time")
