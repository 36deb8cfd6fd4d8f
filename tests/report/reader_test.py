"""The report as a reader uses it: keyboard, 400 pixels, dark mode, paper; and nothing asked of a network.  reader_test.py BHROUTE"""
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import make_results  # noqa: E402
from browser import find_browser  # noqa: E402
from browser_test import FIGURES, write_report  # noqa: E402
from devtools import Devtools  # noqa: E402

NARROW = 400
# WCAG 2.1, success criterion 1.4.3 (AA): text of ordinary size against what lies behind it.
ENOUGH_CONTRAST = 4.5
# Smaller text than this is not read on a telephone.
SMALLEST_TEXT = 10

# [contrast, size, text] of each text that is seen, worst first. Behind a text lies the nearest opaque background of its ancestors; an SVG's text
# has the colour `fill`.
TEXTS = """(() => {
    const channels = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
    const linear = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const alpha = rgba => rgba.length > 3 ? rgba[3] : 1;
    const behind = node => {
        for (let at = node; at; at = at.parentElement) {
            const colour = channels(getComputedStyle(at).backgroundColor);
            if (colour.length && alpha(colour) === 1) return colour;
        }
        return [255, 255, 255];
    };
    const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const text = node.data.trim(), holder = node.parentElement, box = holder.getBoundingClientRect(), style = getComputedStyle(holder);
        if (!text || /^(script|style|option|noscript|title)$/i.test(holder.tagName) || !box.width || style.visibility === 'hidden') continue;
        if (holder.closest('.skip, caption, .modebar-container')) continue;
        const inSvg = Boolean(holder.closest('svg'));
        const ink = channels(inSvg ? style.fill : style.color), paper = behind(holder);
        const mixed = ink.slice(0, 3).map((c, i) => c * alpha(ink) + paper[i] * (1 - alpha(ink)));
        const [a, b] = [luminance(mixed), luminance(paper)].sort((x, y) => y - x);
        found.push([(a + 0.05) / (b + 0.05), parseFloat(style.fontSize), text.slice(0, 60), inSvg]);
    }
    return found.sort((x, y) => x[0] - y[0]);
})()"""

# The texts of figures that reach over the edge of their plot, where they are cut: [figure, text, pixels beyond].
CUT = """[...document.querySelectorAll('figure .main-svg text')].map(each => {
    const text = each.getBoundingClientRect(), plot = each.closest('.plot').getBoundingClientRect();
    const beyond = text.width ? Math.max(plot.left - text.left, text.right - plot.right, plot.top - text.top, text.bottom - plot.bottom) : 0;
    return [each.closest('figure').dataset.figure, each.textContent.slice(0, 60), Math.round(beyond)];
}).filter(([figure, text, beyond]) => beyond > 1)"""

# The titles of axes that lie upon a legend: [figure, title].
COVERED = """[...document.querySelectorAll('figure .main-svg .xtitle')].filter(title => {
    const box = title.getBoundingClientRect();
    return [...title.closest('.plot').querySelectorAll('.legendtext')].some(each => {
        const text = each.getBoundingClientRect();
        return text.width && box.bottom > text.top + 1 && text.bottom > box.top + 1 && box.right > text.left && text.right > box.left;
    });
}).map(title => [title.closest('figure').dataset.figure, title.textContent])"""

# Everything that a mouse can use: the keyboard must come by it.
USABLE = "[...document.querySelectorAll('a[href], button, select, [tabindex=\"0\"]')].filter(each => each.getClientRects().length)"
FOCUSED = """(() => { const at = document.activeElement, box = at.getBoundingClientRect();
    return {index: %s.indexOf(at), name: at.tagName + ' ' + (at.textContent || at.ariaLabel || '').slice(0, 40),
            outline: getComputedStyle(at).outlineStyle, seen: box.bottom > 0 && box.top < innerHeight}; })()""" % USABLE


def luminance(colour):
    red, green, blue = (int(part) for part in colour[colour.index('(') + 1:-1].split(',')[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


class Reader(unittest.TestCase):
    bhroute = ''
    program = ''

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.page = write_report(cls.bhroute, cls.folder.name, 'full', make_results.make_results()).as_uri()
        cls.browser = Devtools(cls.program)
        cls.addClassCleanup(cls.browser.close)

    def drawn(self):
        return self.browser.value("[...document.querySelectorAll('figure')].map(each => [each.dataset.figure, "
                                  "each.querySelectorAll('.main-svg .trace, .main-svg .points, .main-svg .heatmaplayer image, .main-svg .barlayer path, "
                                  ".main-svg .scatterlayer path').length, each.getBoundingClientRect().height])")

    def check_figures(self):
        drawn = self.drawn()
        self.assertEqual(len(drawn), len(list(FIGURES.glob('*.js'))))
        for name, marks, height in drawn:
            self.assertGreater(marks, 0, f'{name} is empty')
            self.assertGreater(height, 150, name)

    def check_silence(self):
        self.assertEqual(self.browser.complaints(), [])
        self.assertEqual(self.browser.requests(), [self.page])

    def check_texts(self):
        texts = self.browser.value(TEXTS)
        self.assertGreater(len(texts), 500)
        pale = [text for text in texts if text[0] < ENOUGH_CONTRAST]
        self.assertEqual(pale, [])
        self.assertEqual([text for text in texts if text[1] < SMALLEST_TEXT], [])

    def test_in_the_light_and_in_the_dark(self):
        pages = []
        for dark in (False, True):
            with self.subTest(dark=dark):
                self.browser.open(self.page, dark=dark)
                self.check_figures()
                self.check_texts()
                self.check_silence()
                pages.append(luminance(self.browser.value('getComputedStyle(document.body).backgroundColor')))
        self.assertGreater(pages[0], 0.9)
        self.assertLess(pages[1], 0.15)

    def test_the_scheme_may_change_while_the_page_is_open(self):
        self.browser.open(self.page)
        self.browser.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark'}])
        self.browser.value('new Promise(done => setTimeout(() => done(true), 500))')
        self.check_texts()
        self.check_silence()

    def test_on_400_pixels(self):
        self.browser.open(self.page, width=NARROW, height=800)
        self.assertEqual(self.browser.value('innerWidth'), NARROW)
        self.assertLessEqual(self.browser.value('document.documentElement.scrollWidth'), NARROW)
        self.check_figures()
        self.check_texts()
        outside = self.browser.value("[...document.querySelectorAll('h1, h2, h3, p, figcaption, .plot, .card, select')].filter(each => { "
                                     f"const box = each.getBoundingClientRect(); return box.left < 0 || box.right > {NARROW}; }})"
                                     ".filter(each => !each.closest('.scroll, .skip')).map(each => each.outerHTML.slice(0, 80))")
        self.assertEqual(outside, [])
        self.check_silence()

    def test_no_text_of_a_figure_is_cut_or_covered(self):
        for width in (320, NARROW, 768, 1280):
            with self.subTest(width=width):
                self.browser.open(self.page, width=width)
                self.assertEqual(self.browser.value(CUT), [])
                self.assertEqual(self.browser.value(COVERED), [])

    def test_the_keyboard_comes_by_everything(self):
        self.browser.open(self.page)
        usable = self.browser.value(USABLE + '.length')
        self.assertGreater(usable, 20)
        self.browser.press('Tab', 9)
        self.assertEqual(self.browser.value("document.activeElement.className"), 'skip')
        reached = set()
        for _ in range(usable + 30):
            at = self.browser.value(FOCUSED)
            if at['index'] < 0 or at['index'] in reached:
                break
            reached.add(at['index'])
            self.assertNotEqual(at['outline'], 'none', f"{at['name']}: the focus is not seen")
            self.assertTrue(at['seen'], f"{at['name']}: the focus is out of sight")
            self.browser.press('Tab', 9)
        self.assertEqual(len(reached), usable)

    def test_enter_sorts_the_table(self):
        self.browser.open(self.page)
        self.browser.value("[...document.querySelectorAll('.sort')].find(each => each.textContent === 'Perplexity').focus()")
        self.browser.press('Enter', 13, text='\r')
        self.assertEqual(self.browser.value("document.activeElement.closest('th').getAttribute('aria-sort')"), 'ascending')

    def test_on_paper(self):
        for dark in (False, True):
            with self.subTest(dark=dark):
                self.browser.open(self.page, dark=dark)
                paper = self.browser.pdf()
                self.assertTrue(paper.startswith(b'%PDF-'))
                pages = paper.count(b'/Type /Page\n') + paper.count(b'/Type /Page ') + paper.count(b'/Type /Page/')
                self.assertGreaterEqual(pages, 5)
                self.assertLess(pages, 40)
                self.browser.value('new Promise(done => setTimeout(() => done(true), 300))')
                self.check_texts()
                self.check_silence()

    def test_paper_is_light_and_its_text_dark_whatever_the_screen(self):
        self.browser.open(self.page, dark=True)
        self.browser.call('Emulation.setEmulatedMedia', media='print', features=[{'name': 'prefers-color-scheme', 'value': 'dark'}])
        self.browser.value("dispatchEvent(new Event('beforeprint'))")
        self.browser.value('new Promise(done => setTimeout(() => done(true), 300))')
        ink = self.browser.value("[...new Set([...document.querySelectorAll('p, td, .main-svg text')].map(each => "
                                 "getComputedStyle(each)[each.closest('svg') ? 'fill' : 'color']))]")
        for colour in ink:
            self.assertLess(luminance(colour), 0.6, ink)
        hidden = self.browser.value("[...document.querySelectorAll('nav, .skip')].filter(each => each.getClientRects().length).length")
        self.assertEqual(hidden, 0)
        self.browser.value("dispatchEvent(new Event('afterprint'))")
        self.browser.call('Emulation.setEmulatedMedia', media='', features=[{'name': 'prefers-color-scheme', 'value': 'dark'}])
        self.assertLess(luminance(self.browser.value('getComputedStyle(document.body).backgroundColor')), 0.15, 'the screen stays light after printing')
        self.check_texts()


if __name__ == '__main__':
    Reader.bhroute = sys.argv.pop(1)
    Reader.program = find_browser()
    if Reader.program is None:
        print('skipped: no Chromium is installed (apt-get install chromium)')
        sys.exit(77)
    unittest.main()
