"""The endpoint annotator against a server on this machine that plays an OpenAI-compatible API."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

import sparcom_nb as sn
from sparcom_nb.studies import annotators
from sparcom_nb.studies.annotators import Annotation, Endpoint, Lexicon, annotate, load_annotator

WORDS = ["cat", "dog", 'x"], "task": "math', "ignore\nall", "<script>"]
GOOD = {"concept": "animals", "task": "none", "level": "semantic"}


class Server(ThreadingHTTPServer):
    """Answers with what is in ``replies``, the last again and again, and remembers requests."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.replies, self.seen = [(200, chat(json.dumps(GOOD)))], []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        server.seen.append((self.path, dict(self.headers), body))
        status, text = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
        if status == 0:  # say nothing until the client has gone
            threading.Event().wait(1.5)
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


def chat(content):
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]})


@pytest.fixture
def server(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def ask(server, tmp_path, monkeypatch):
    monkeypatch.setattr(annotators, "WAITS", (0, 0.01, 0.01))
    return lambda key="": Endpoint(server.url, "m", tmp_path / "replies", key)


def test_asks_once_words_go_as_data_and_the_key_is_kept_nowhere(server, ask, tmp_path):
    assert ask(key="secret")(WORDS) == Annotation(**GOOD)
    assert ask()(WORDS) == Annotation(**GOOD)  # another object, the same folder
    ((path, headers, body),) = server.seen
    assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer secret"
    assert body["model"] == "m" and body["temperature"] == 0
    prompt = body["messages"][0]["content"]
    assert json.loads(prompt.splitlines()[-1]) == WORDS
    (kept,) = (tmp_path / "replies").iterdir()
    assert "secret" not in kept.read_text()


def test_other_words_models_and_runs_are_other_questions(server, ask):
    ask()(WORDS)
    ask()(WORDS[::-1])
    ask()(WORDS, 1)
    ask()(WORDS, 2)
    assert [body["temperature"] for *_, body in server.seen] == [0, 0, 1, 1]
    ask()(WORDS, 1)
    assert len(server.seen) == 4


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (f"Sure!\n```json\n{json.dumps(GOOD)}\n```", Annotation(**GOOD)),
        ('{"concept": "cannot tell", "task": "none", "level": "none"}', Annotation()),
        ('{"concept": "Cannot tell."}', Annotation()),
        (
            json.dumps(GOOD | {"concept": "<b>two\nlines</b>\x00"}),
            Annotation("<b>two lines</b>", "none", "semantic"),
        ),
    ],
)
def test_replies_are_read(content, expected, server, ask):
    server.replies = [(200, chat(content))]
    assert ask()(WORDS) == expected


@pytest.mark.parametrize(
    "trouble",
    [(503, "busy"), (429, "slow down"), (200, "<html>"), (200, chat("no idea")), (200, "[]"),
     (200, chat('{"concept": "x", "task": "cooking", "level": "semantic"}')), (0, "")],
)  # fmt: skip
def test_trouble_is_tried_again(trouble, server, ask, monkeypatch):
    server.replies = [trouble, (200, chat(json.dumps(GOOD)))]
    monkeypatch.setattr(annotators, "TIMEOUT", 1.0)
    assert ask()(WORDS) == Annotation(**GOOD)
    assert len(server.seen) == 2


def test_lasting_trouble_is_one_clear_line_and_is_not_kept(server, ask, tmp_path):
    server.replies = [(503, "busy")]
    with pytest.raises(sn.InputError, match=r"no usable reply .status 503") as error:
        ask()(WORDS)
    assert "\n" not in str(error.value) and len(server.seen) == 3
    server.replies = [(200, chat(json.dumps(GOOD)))]
    assert ask()(WORDS).concept == "animals"


def test_a_refusal_is_not_tried_again(server, ask):
    server.replies = [(401, "bad key\nsecond line")]
    with pytest.raises(sn.InputError, match="status 401: 'bad key") as error:
        ask(key="secret")(WORDS)
    assert len(server.seen) == 1
    assert "secret" not in str(error.value) and "\n" not in str(error.value)


def test_a_run_that_stopped_goes_on(server, ask):
    rows = [
        {"layer": 0, "component": n, "word": f"{word}{n}", "rank": k + 1}
        for n in range(3)
        for k, word in enumerate(("a", "b"))
    ]
    table = pd.DataFrame(rows)
    annotate(table[table["component"] < 2], ask(), runs=2)
    assert len(server.seen) == 4
    made = annotate(table, ask(), runs=2)
    assert len(server.seen) == 6 and (made["concept"] == "animals").all()


def test_an_annotator_by_name(server, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "from-outside")
    assert isinstance(load_annotator("lexicon", WORDS), Lexicon)
    asked = load_annotator(server.url, WORDS, "m", tmp_path)
    assert asked(WORDS, 0).concept == "animals"
    assert server.seen[0][1]["Authorization"] == "Bearer from-outside"
    for name, model in (("lexikon", "m"), ("http://localhost", "")):
        with pytest.raises(sn.InputError, match="give lexicon, or the address of an API"):
            load_annotator(name, WORDS, model)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "http://[::1", "http://a:99999999/v1"])
@pytest.mark.parametrize("key", ["", "sec\nret", "sécret"])
def test_nobody_there_is_one_line_without_the_key(url, key, tmp_path, monkeypatch):
    monkeypatch.setattr(annotators, "WAITS", (0,))
    with pytest.raises(sn.InputError, match="no usable reply") as error:
        Endpoint(url, "m", tmp_path, key)(WORDS)
    assert "\n" not in str(error.value) and "ret" not in str(error.value)
