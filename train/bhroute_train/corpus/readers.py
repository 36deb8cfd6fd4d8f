"""Files of documentation to plain text."""

import bz2
import gzip
import lzma
import re
import struct
import zlib

TEXT_ENDINGS = (".txt", ".rst", ".pod", ".dict", ".text", ".md", ".asciidoc", ".adoc", ".texi")
HTML_ENDINGS = (".html", ".htm", ".xhtml", ".html.en")
FURNITURE = ("script,style,nav,header,footer,.sphinxsidebar,.related,.navheader,.navfooter,.headerlink,#sidebar,.sidebar,"
             ".sidebar-wrapper,table.navigation,.linenodiv,.breadcrumb,.toctree-wrapper")
SKIPPED_FOLDERS = ("/search", "_static", "/genindex", "_modules", "/copyright", "/changelog", "_sources")
MAN_SECTION = re.compile(r"\.[1-9][a-z]*$")
LANGUAGE_FOLDER = re.compile(r"/(?!en|bg/)(?:[a-z]{2}|[a-z]{2}[-_][A-Z]{2})/")
LANGUAGE_ENDING = re.compile(r"\.(?!en\b)[a-z]{2}(?:[-_][a-zA-Z]{2,4})?\.(?:html?|txt)$")


def html_text(raw):
    """The main part of a page, without navigation."""
    from selectolax.lexbor import LexborHTMLParser  # only pages need it

    tree = LexborHTMLParser(raw.decode("utf-8", "replace"))
    for node in tree.css(FURNITURE):
        node.decompose()
    for place in ("[role=main]", "main", ".body", ".document", "body"):
        node = tree.css_first(place)
        if node:
            return node.text(separator="", strip=False)
    return ""


def man_text(text):
    """A manual page without its typesetting requests."""
    lines = [line for line in text.split("\n") if not line.startswith(("'\\\"", '.\\"'))]
    text = "\n".join(re.sub(r"\\f[BIRP]|\\-|\\\(..", "", line) for line in lines)
    return re.sub(r"^\.[A-Za-z]{1,3} ?", "", text, flags=re.M)


def decoded(raw):
    text = raw.decode("utf-8", "replace")
    return raw.decode("latin-1") if "\ufffd" in text[:5000] else text


def worth_reading(path):
    """English pages of content: no search index, no source listing, no other language."""
    skipped = any(folder in path for folder in SKIPPED_FOLDERS)
    return not (skipped or LANGUAGE_FOLDER.search(path) or LANGUAGE_ENDING.search(path))


def read_file(path, package):
    """The text of one file, or None where it holds no prose."""
    raw, name = path.read_bytes(), path.name
    if name.endswith((".gz", ".dz")):
        raw, name = gzip.decompress(raw), name[:-3]
    if name.endswith(HTML_ENDINGS):
        return html_text(raw) if b"<" in raw[:2000] else None
    if "/man/man" in str(path) and MAN_SECTION.search(name):
        return man_text(decoded(raw))
    if name.endswith(TEXT_ENDINGS) or package.startswith(("fortunes", "bible-kjv")):
        return decoded(raw)
    return None


def _chunks(raw):
    """The compressed records of an R database: a length, then zlib, bzip2 ('2') or LZMA2 ('Z') data."""
    raw_lzma = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 23}]
    while raw:
        if raw[4:5] == b"Z":
            stream, data = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=raw_lzma), raw[5:]
        elif raw[4:5] == b"2":
            stream, data = bz2.BZ2Decompressor(), raw[5:]
        else:
            stream, data = zlib.decompressobj(), raw[4:]
        try:
            out = stream.decompress(data)
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            return
        yield out
        raw = stream.unused_data


def r_books(raw):
    """Books kept in an R database as vectors of lines (r-cran-janeaustenr): first line -> text."""
    books = {}
    for out in _chunks(raw):
        lines = []
        for match in re.finditer(rb"\x00[\x00-\x06]\x00\x09(....)", out, re.S):
            length = struct.unpack(">I", match.group(1))[0]
            if length < 2000:
                lines.append(out[match.end():match.end() + length].decode("latin-1"))
        text = "\n".join(lines)
        if len(text) > 10000:
            books[lines[0].strip().upper()] = text
    return books
