"""A chat is told about verdicts; it decides nothing, and learns nobody's secret."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from gate_material import decided, result

from eessi_validate.cli.recorded_command import recorded_command
from eessi_validate.cli.telling import tell, webhook
from eessi_validate.errors import UsageError
from eessi_validate.gate.interfaces import notify as notify_module
from eessi_validate.gate.interfaces.notify import NOTIFY_VARIABLE, check_address, message, notify
from eessi_validate.results.model import Outcome

SECRET = 'T00000/B00000/s3cr3t'


class Chat(ThreadingHTTPServer):
    """A webhook on loopback that notes what it is told."""

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.told: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answers: list[int] = []
        self.url = f'http://127.0.0.1:{self.server_port}/services/{SECRET}'


class _Handler(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        length = int(self.headers['Content-Length'])
        self.server.told.append(json.loads(self.rfile.read(length)))
        self.server.paths.append(self.path)
        status = self.server.answers.pop(0) if self.server.answers else 200
        self.send_response(status, f'no {SECRET}')
        if status == 302:
            self.send_header('Location', f'/elsewhere/{SECRET}')
        self.end_headers()
        self.wfile.write(SECRET.encode())

    do_GET = do_POST

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def chat(monkeypatch) -> Iterator[Chat]:
    monkeypatch.setattr(notify_module, '_PAUSE', 0.0)
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    server = Chat()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_verdict_is_told(chat):
    assert notify(chat.url, decided(result(Outcome.FAIL))) == ''
    ((key, text),) = chat.told[0].items()
    assert key == 'text'
    assert text.startswith('*REJECT* ')
    assert 'energy drifts' in text
    assert chat.paths == [f'/services/{SECRET}']


def test_names_of_others_do_nothing_in_a_chat():
    report = decided(result(Outcome.PASS))
    subject = report.subject.model_copy(update={'description': '<!channel> <http://x|y>\n&' * 900})
    text = message(report.model_copy(update={'subject': subject}))
    assert '<' not in text
    assert '&lt;!channel&gt;' in text
    assert len(text) <= 3000


@pytest.mark.parametrize(
    ('answers', 'calls', 'why'),
    [
        ([500], 2, ''), ([500, 503], 2, 'HTTP status 503'), ([404], 1, 'HTTP status 404'),
        ([302], 1, 'HTTP status 302'), ([429], 2, ''),
    ],
)  # fmt: skip
def test_failures_are_told_without_the_address(answers, calls, why, chat):
    chat.answers = answers
    said = notify(chat.url, decided(result(Outcome.PASS)))
    assert said.endswith(why)
    assert bool(said) == bool(why)
    assert len(chat.told) == calls
    assert 's3cr3t' not in said


def test_nobody_there_is_a_failure_that_is_told(monkeypatch):
    monkeypatch.setattr(notify_module, '_PAUSE', 0.0)
    said = notify(f'http://127.0.0.1:1/{SECRET}', decided(result(Outcome.PASS)))
    assert said.startswith('the verdict could not be told to 127.0.0.1: ')
    assert 's3cr3t' not in said


def test_a_silent_server_is_not_waited_for(chat, monkeypatch):
    monkeypatch.setattr(notify_module, '_SECONDS', 0.2)
    monkeypatch.setattr(notify_module, '_ATTEMPTS', 1)
    release = threading.Event()
    monkeypatch.setattr(_Handler, 'do_POST', lambda _self: release.wait(5) and None)
    assert notify(chat.url, decided(result(Outcome.PASS)))
    release.set()


@pytest.mark.parametrize(
    'url', [f'http://chat.example/{SECRET}', f'file:///{SECRET}', SECRET, f'https:///{SECRET}',
            f'https://chat.example/{SECRET}\r\nHost: x', f'https://[::1/{SECRET}',
            f'https://chat.example:port/{SECRET}'],
)  # fmt: skip
def test_an_address_that_may_not_be_used_is_refused_without_showing_it(url):
    with pytest.raises(UsageError) as refusal:
        check_address(url)
    assert 's3cr3t' not in str(refusal.value)


def test_what_goes_wrong_is_said_and_no_more(chat, capsys, monkeypatch):
    chat.answers = [404]
    monkeypatch.setenv(NOTIFY_VARIABLE, chat.url)
    tell(webhook(''), decided(result(Outcome.PASS)))
    said = capsys.readouterr()
    assert said.out == ''
    assert 'HTTP status 404' in said.err
    assert 's3cr3t' not in said.err
    tell('', decided(result(Outcome.PASS)))
    assert len(chat.told) == 1


@pytest.mark.parametrize(
    'words',
    [['gate', '--notify', f'https://h/{SECRET}', 'T'], ['gate', f'--notify=https://h/{SECRET}']],
)
def test_reports_record_no_address(words):
    command = recorded_command(words)
    assert 's3cr3t' not in command
    assert '--notify' in command
    assert recorded_command(['gate', 'a b']) == "eessi-validate gate 'a b'"
