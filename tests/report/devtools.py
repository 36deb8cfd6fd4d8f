"""A headless Chromium steered as a reader would use it, by its DevTools protocol over a pipe (JSON messages that end in a zero byte)."""
import base64
import json
import os
import select
import subprocess
import tempfile
import time

READ_FD, WRITE_FD = 3, 4  # those of --remote-debugging-pipe: the browser reads 3 and writes 4


class Devtools:
    """One page. Events are kept in `events` as (method, parameters), in order."""

    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory()
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()
        command = [program, '--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', '--no-first-run',
                   '--disable-background-networking', f'--user-data-dir={self.profile.name}', 'about:blank']
        wiring = f'exec {READ_FD}<&{to_browser} {WRITE_FD}>&{from_browser}; exec "$@"'
        self.process = subprocess.Popen(['bash', '-c', wiring, '-', *command], pass_fds=(to_browser, from_browser), stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.rest, self.last, self.events, self.session = b'', 0, [], None
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in ('Page', 'Runtime', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def close(self):
        os.close(self.out)  # the browser ends when its pipe does
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.into)
        self.profile.cleanup()

    def call(self, method, **parameters):
        self.last += 1
        message = {'id': self.last, 'method': method, 'params': parameters}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.out, json.dumps(message).encode() + b'\0')
        while True:
            answer = self.read()
            if answer.get('id') == self.last:
                assert 'error' not in answer, (method, answer['error'])
                return answer['result']

    def read(self, seconds=60):
        end = time.monotonic() + seconds
        while b'\0' not in self.rest:
            assert select.select([self.into], [], [], max(0, end - time.monotonic()))[0], 'the browser does not answer'
            chunk = os.read(self.into, 1 << 20)
            assert chunk, 'the browser has ended'
            self.rest += chunk
        message, _, self.rest = self.rest.partition(b'\0')
        message = json.loads(message)
        if 'method' in message:
            self.events.append((message['method'], message['params']))
        return message

    def open(self, url, width=1280, height=900, dark=False):
        """Loads the page afresh at this width in CSS pixels and waits until it has drawn itself. Nothing moves by and by: the tests do not wait."""
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'},
                                                           {'name': 'prefers-reduced-motion', 'value': 'reduce'}])
        self.events.clear()
        self.call('Page.navigate', url=url)
        while not any(method == 'Page.loadEventFired' for method, _ in self.events):
            self.read()
        self.value('new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))')

    def value(self, expression):
        """What the expression, or the promise it gives, comes to."""
        done = self.call('Runtime.evaluate', expression=expression, returnByValue=True, awaitPromise=True)
        assert 'exceptionDetails' not in done, done['exceptionDetails']
        return done['result'].get('value')

    def press(self, key, code, modifiers=0, text=None):
        more = {'text': text} if text else {}
        common = {'key': key, 'code': key, 'windowsVirtualKeyCode': code, 'modifiers': modifiers}
        self.call('Input.dispatchKeyEvent', type='keyDown', **common, **more)
        self.call('Input.dispatchKeyEvent', type='keyUp', **common)

    def pdf(self):
        return base64.b64decode(self.call('Page.printToPDF', printBackground=True, preferCSSPageSize=True)['data'])

    def complaints(self):
        """Errors and warnings of the console, and exceptions."""
        found = [json.dumps(parameters) for method, parameters in self.events if method == 'Runtime.exceptionThrown']
        found += [json.dumps(parameters) for method, parameters in self.events
                  if method == 'Runtime.consoleAPICalled' and parameters['type'] in ('error', 'warning', 'assert')]
        return found + [json.dumps(parameters) for method, parameters in self.events if method == 'Log.entryAdded']

    def requests(self):
        """Addresses that were asked for over any scheme but the page's own data."""
        return [parameters['request']['url'] for method, parameters in self.events
                if method == 'Network.requestWillBeSent' and not parameters['request']['url'].startswith(('data:', 'blob:'))]
