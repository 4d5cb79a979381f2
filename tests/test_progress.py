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


def test_where_several_are_is_one_line_with_room_for_each(monkeypatch):
    standing = module.Standing()
    with standing.work("10_a") as say, standing.work("20_b"):
        say(
            "3/40 How alike are the sets of two categories that have nothing to do with each other?"
        )
        line = standing._line(80)
    assert line == "10_a: 3/40 How alike are the se 0 s | 20_b: starting 0 s" and len(line) <= 80
    assert standing._line(80) == ""


def test_it_is_told_when_it_changed_and_not_more_often_than_every_ten_seconds(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    standing = module.Standing()
    with standing.work("10_a") as say:
        for second in range(60):
            now[0] = second
            if second < 30:
                say(f"section {second // 4}")
            standing.show()
    standing.show()
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["10_a: section 2", "10_a: section 5", "10_a: section 7"]
