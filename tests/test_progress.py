"""Progress: plain lines away from a terminal, nothing when it is not wanted."""

from sparcom_nb import progress as module
from sparcom_nb.progress import progress


def test_plain_lines(capsys):
    with progress(4, "capture", "instructions") as shown:
        shown.update(3)
        shown.update(1)
    assert capsys.readouterr().err == "capture: 4 of 4 instructions, 0 s\n"


def test_lines_come_at_most_every_ten_seconds(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with progress(100, "capture", "rows") as shown:
        for _ in range(100):
            now[0] += 0.5
            shown.update(1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "capture: 21 of 100 rows, 10 s" and len(lines) == 5


def test_silence(capsys):
    with progress(1, "capture", "rows", show=False) as shown:
        shown.update(1)
    assert capsys.readouterr().err == ""
