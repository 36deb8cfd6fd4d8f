"""A headless Chromium that loads a page and hands back what became of it."""
import html.parser
import json
import pathlib
import shutil
import subprocess
import tempfile

NAMES = ('chromium', 'chromium-browser', 'google-chrome')


def find_browser():
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Page(html.parser.HTMLParser):
    """The elements of a document with their attributes, and the text of each element that has an id."""

    VOID = {'meta', 'link', 'img', 'input', 'br', 'hr', 'source', 'base', 'embed'}

    def __init__(self, document, console):
        super().__init__()
        self.console = console
        self.elements = []  # (tag, attributes, text), in document order
        self.open = []
        self.feed(document)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), []))
        if tag not in self.VOID:
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes), []))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for _, _, text in self.open:
            text.append(data)

    def find(self, tag=None, **attributes):
        wanted = {name.rstrip('_'): value for name, value in attributes.items()}
        return [e for e in self.elements if tag in (None, e[0]) and all(
            value in e[1].get(name, '').split() if name == 'class' else e[1].get(name) == value
            for name, value in wanted.items())]

    def text(self, **attributes):
        return ''.join(self.find(**attributes)[0][2])


class Browser:
    def __init__(self, program, folder):
        self.program = program
        self.folder = pathlib.Path(folder)

    def load(self, url, milliseconds=3000):
        """The document after its scripts ran, for so long by the page's own clock."""
        with tempfile.TemporaryDirectory(dir=self.folder) as profile:
            command = [self.program, '--headless=new', '--no-sandbox', '--disable-gpu', f'--user-data-dir={profile}',
                       '--enable-logging=stderr', '--v=0', f'--virtual-time-budget={milliseconds}',
                       '--window-size=1280,2000', '--dump-dom', url]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
        return Page(done.stdout, [line for line in done.stderr.splitlines() if 'CONSOLE' in line])

    def load_with(self, path, script):
        """As load, but with a script of the test's own that runs once the page is filled."""
        changed = self.folder / f'{path.stem}_with_script.html'
        call = f'<script>addEventListener("load", () => {{ {script} }});</script></body>'
        before, _, after = path.read_text(encoding='utf-8').rpartition('</body>')
        changed.write_text(before + call + after, encoding='utf-8')
        return self.load(changed.as_uri())

    def measure(self, paths, widths):
        """What each page says of itself in a frame of each width (a window of the browser has a least width).

        The frames are low, so that all are in sight: one out of sight would not be drawn.
        """
        frames = ''.join(f'<iframe style="border:0;width:{width}px;height:300px" src="{path.as_uri()}#selfcheck"></iframe>'
                         for path in paths for width in widths)
        outer = self.folder / 'frames.html'
        outer.write_text(
            '<body><pre id="said"></pre><script>const said = []; addEventListener("message", event => { said.push(event.data);'
            f'document.getElementById("said").textContent = JSON.stringify(said); }});</script>{frames}', encoding='utf-8')
        return json.loads(self.load(outer.as_uri(), 30000).text(id='said'))
