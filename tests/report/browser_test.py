"""The report in a headless browser, drawn from synthetic results.  browser_test.py BHROUTE"""
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import make_results  # noqa: E402
from browser import Browser, find_browser  # noqa: E402

FIGURES = pathlib.Path(__file__).resolve().parents[2] / 'src' / 'evaluation' / 'report' / 'figures'
LOADING_ATTRIBUTES = ('src', 'href', 'srcset', 'data', 'action', 'poster', 'xlink:href')

# What a reader does with the page; what comes of it becomes the page's title.
USE_THE_PAGE = """
    const button = [...document.querySelectorAll('.sort')].find(each => each.textContent === 'Perplexity');
    const column = () => [...document.querySelectorAll('#configurations-table tbody tr')].map(
        row => parseFloat(row.children[4].textContent.replace(',', '')));
    const said = {loaded: performance.getEntriesByType('resource').map(entry => entry.name)};
    button.focus();
    button.click();
    Object.assign(said, {up: column(), how: button.closest('th').getAttribute('aria-sort')});
    button.click();
    Object.assign(said, {down: column(), focused: document.activeElement === button});
    const select = document.querySelector('[data-figure=histogram] select');
    select.value = '3';
    select.dispatchEvent(new Event('change'));
    said.caption = document.querySelector('[data-figure=histogram] figcaption').textContent;
    const marked = document.querySelector('[data-figure=frontier] .plot').data.find(each => (each.error_y || {}).symmetric === false && each.x.length > 10);
    said.bars = [marked.x[0], marked.y[0], marked.error_y.array[0], marked.error_y.arrayminus[0]];
    document.title = JSON.stringify(said);
"""


def write_report(bhroute, folder, name, results):
    place = pathlib.Path(folder) / name
    place.mkdir()
    (place / 'results.json').write_text(json.dumps(results), encoding='utf-8')
    subprocess.run([bhroute, 'report', str(place), '-o', str(place / 'report.html')], check=True, capture_output=True)
    return place / 'report.html'


def with_second_model(page, other):
    """A page of two models: the second one's results go in as `bhroute report DIR DIR2` puts them."""
    data = page.read_text(encoding='utf-8')
    assert data.count('"others":[]') == 1
    both = page.parent.parent / 'both.html'
    both.write_text(data.replace('"others":[]', '"others":' + json.dumps([other]).replace('<', '\\u003c')), encoding='utf-8')
    return both


class Report(unittest.TestCase):
    bhroute = ''
    program = ''

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.browser = Browser(cls.program, cls.folder.name)
        samples = {'full': make_results.make_results(),
                   'hostile': make_results.with_hostile_names(make_results.make_results()),
                   'partial': make_results.without_parts(make_results.make_results())}
        cls.paths = {name: write_report(cls.bhroute, cls.folder.name, name, results)
                     for name, results in samples.items()}
        cls.paths['both'] = with_second_model(cls.paths['full'], make_results.make_elastic())
        cls.used = json.loads(cls.browser.load_with(cls.paths['full'], USE_THE_PAGE).text(tag='title'))
        cls.pages = {name: cls.browser.load(path.as_uri()) for name, path in cls.paths.items()}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_the_console_stays_silent(self):
        for name, page in self.pages.items():
            self.assertEqual(page.console, [], name)

    def test_every_figure_is_drawn(self):
        page = self.pages['full']
        figures = page.find('figure')
        self.assertEqual(len(figures), len(list(FIGURES.glob('*.js'))))
        self.assertEqual(len(page.find('div', class_='plot')), len(figures))
        self.assertGreaterEqual(len(page.find('svg', class_='main-svg')), len(figures))
        for plot in page.find('div', class_='plot'):
            self.assertEqual(plot[1]['role'], 'img')
            self.assertGreater(len(plot[1]['aria-label']), 100)
            self.assertIn('js-plotly-plot', plot[1]['class'])
        for _, _, text in page.find('figcaption'):
            self.assertNotRegex(''.join(text), 'undefined|NaN|–')

    def test_each_part_is_there(self):
        page = self.pages['full']
        self.assertEqual(page.text(id='title'), 'Adaptive expert routing on synthetic-moe')
        self.assertEqual(len(page.find('article', class_='card')), 11)
        self.assertEqual(len(page.find('tr', class_='grid')), 20)
        for marking, count in (('baseline', 1), ('renormalized', 4), ('unselected', 4), ('static', 12), ('rival', 3), ('tuned', 1)):
            self.assertEqual(len(page.find('tr', class_=marking)), count, marking)
        for text in ('2–4', '1.08', 'Bound\u00a0N·α', 'uniform by construction'):
            self.assertIn(text, page.text(id='expected-body'))
        for text in ('5' * 64, 'Calibration “unselected”', 'SYNTHETIC'):
            self.assertIn(text, page.text(id='ran-facts'))

    def test_what_is_missing_is_said(self):
        page = self.pages['partial']
        self.assertIn('Parts are missing.', page.text(id='verdict-cards'))
        self.assertEqual(len(page.find('p', class_='missing')), 11)
        self.assertEqual(len(page.find('div', class_='plot')), 3)
        self.assertNotRegex(page.text(id='verdict-cards'), 'static top-k wins|nan')

    def test_a_hostile_name_stays_text(self):
        page = self.pages['hostile']
        self.assertIn(make_results.HOSTILE_NAME, page.text(id='title'))
        self.assertIn(make_results.HOSTILE_NAME, page.text(id='configurations-table'))
        self.assertEqual(page.find('img'), [])
        self.assertEqual(len(page.find('script')), len(self.pages['full'].find('script')))
        self.assertTrue(page.text(tag='title').startswith('Adaptive expert routing on </script>'))

    def test_nothing_points_to_the_network(self):
        for page in self.pages.values():
            for _, attributes, _ in page.elements:
                for name in LOADING_ATTRIBUTES:
                    self.assertTrue((attributes.get(name) or '#').startswith(('#', 'data:image/png;')), attributes)

    def test_nothing_is_loaded(self):
        self.assertEqual(self.used['loaded'], [])

    def test_a_narrow_page_does_not_scroll_sideways(self):
        said = self.browser.measure(self.paths.values(), (400, 320))
        self.assertEqual(sorted(each['innerWidth'] for each in said), [320] * 4 + [400] * 4)
        for each in said:
            self.assertLessEqual(each['scrollWidth'], each['innerWidth'])

    def test_a_header_sorts_both_ways(self):
        self.assertEqual(len(self.used['up']), 45)
        self.assertEqual(self.used['up'], sorted(self.used['up']))
        self.assertEqual(self.used['down'], sorted(self.used['up'], reverse=True))
        self.assertEqual((self.used['how'], self.used['focused']), ('ascending', True))

    def test_bars_of_the_frontier_are_paired_intervals(self):
        mean, perplexity, above, below = self.used['bars']
        run, = (run for run in make_results.make_results()['runs'] if run['mean_experts'] == mean and run['perplexity'] == perplexity)
        baseline = perplexity / math.exp(run['loss_difference'])
        self.assertAlmostEqual(perplexity + above, baseline * math.exp(run['loss_difference_high']), places=6)
        self.assertAlmostEqual(perplexity - below, baseline * math.exp(run['loss_difference_low']), places=6)
        self.assertGreater(above, 0)

    def test_two_models_share_a_page(self):
        page = self.pages['both']
        self.assertEqual(len(page.find('tr', class_='baseline')), 2)
        self.assertIn('synthetic-elastic', page.text(id='configurations-table'))
        captions = ' '.join(''.join(text) for _, _, text in page.find('figcaption'))
        self.assertIn('synthetic-elastic needs 3.88 experts', captions)
        self.assertEqual(len(page.find('div', class_='plot')), len(self.pages['full'].find('div', class_='plot')))

    def test_a_solved_alpha_is_rounded_for_reading(self):
        table = self.pages['both'].text(id='configurations-table')
        self.assertIn('0.999', table)
        self.assertNotIn('0.9989', table)

    def test_another_configuration_can_be_chosen(self):
        self.assertIn('ceiling of 4', self.used['caption'])


if __name__ == '__main__':
    Report.bhroute = sys.argv.pop(1)
    Report.program = find_browser()
    if Report.program is None:
        print('skipped: no Chromium is installed (apt-get install chromium)')
        sys.exit(77)
    unittest.main()
