"""A result is made once, whole or not there, found again by what it was made of."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sparcom_nb.errors import InputError
from sparcom_nb.store import FORMAT, digest, once, safe_name, scratch, sweep, write

INPUTS = {"data_sha256": "0" * 64, "parameters": {"top": 0.05, "site": "gate"}, "seed": 0}


class Make:
    """Writes two files and counts how often it does."""

    def __init__(self, text="abc", dies=False):
        self.text, self.dies, self.times, self.found = text, dies, 0, None

    def __call__(self, folder):
        self.times += 1
        self.found = sorted(path.name for path in folder.iterdir())
        write(folder / "a.txt", self.text)
        (folder / "deep").mkdir(exist_ok=True)
        (folder / "deep" / "b.bin").write_bytes(self.text.encode() * 1000)
        if self.dies:
            raise KeyboardInterrupt
        return {"seconds": 1.5}


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_result_is_made_once_and_says_what_it_is(tmp_path):
    make, out = Make(), tmp_path / "deep" / "out"
    first = once(out, INPUTS, make)
    again = once(out, dict(reversed(INPUTS.items())), make)
    assert make.times == 1 and first["fresh"] and not again["fresh"]
    assert first | {"fresh": False} == again
    said = json.loads((out / "manifest.json").read_text())
    assert said.pop("sha256") == digest(said) and said["seconds"] == 1.5
    assert said | {"fresh": True} == first
    assert {k: said[k] for k in INPUTS} == INPUTS
    assert set(said["files"]) == {"a.txt", "deep/b.bin"}
    assert list(out.parent.iterdir()) == [out]


def test_one_file_stands_beside_its_manifest_and_the_files_of_others(tmp_path):
    write(tmp_path / "other.txt", "mine")
    out = tmp_path / "rows.jsonl"

    def make(folder):
        write(folder / "rows.jsonl", "{}\n")

    for _ in range(2):
        once(out, INPUTS, make, manifest="rows.manifest.json", names=["rows.jsonl"])
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"other.txt", "rows.jsonl", "rows.manifest.json"}


def damages():
    def flip(path):
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)

    return {
        "flipped": flip,
        "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
        "emptied": lambda path: path.write_bytes(b""),
        "deleted": Path.unlink,
        "a folder now": lambda path: (path.unlink(), path.mkdir()),
    }


@pytest.mark.parametrize("kind", damages())
@pytest.mark.parametrize("own", [True, False], ids=["folder", "file"])
def test_damage_is_named_and_made_again(kind, own, tmp_path, capsys):
    make = Make()
    out, how = (tmp_path / "o", {}) if own else (tmp_path / "a.txt", {"manifest": "a.json"})
    once(out, INPUTS, make, **how)
    before, folder = content(tmp_path), out if own else tmp_path
    damages()[kind](folder / "deep" / "b.bin")
    write(folder / "deep" / "notes.txt", "a reader's own")
    assert once(out, INPUTS, make, **how)["fresh"] and make.times == 2
    assert "damaged, made again: deep/b.bin" in capsys.readouterr().err
    after = content(tmp_path)
    notes = (folder / "deep" / "notes.txt").relative_to(tmp_path).as_posix()
    assert after.pop(notes) == b"a reader's own" and after == before


def test_what_is_whole_of_a_damaged_result_can_be_used(tmp_path):
    make = Make()
    once(tmp_path / "o", INPUTS, make, resumes=True)
    (tmp_path / "o" / "a.txt").unlink()
    once(tmp_path / "o", INPUTS, make, resumes=True)
    assert make.found == ["deep"]


def test_other_inputs_are_refused_and_what_stands_stays(tmp_path):
    make, out = Make(), tmp_path / "o"
    once(out, INPUTS, make)
    before = content(tmp_path)
    other = INPUTS | {"parameters": {"top": 0.1, "site": "gate"}, "data_sha256": "1" * 64}
    with pytest.raises(InputError) as told:
        once(out, other, make)
    assert str(told.value) == (
        f"{out} holds a result of other inputs (data_sha256 \"00000000000..., not \"11111111111...; "
        "parameters.top 0.05, not 0.1); choose another place, or delete it"
    )  # fmt: skip
    assert content(tmp_path) == before and make.times == 1


def test_a_result_is_replaced_only_when_its_successor_is_whole(tmp_path):
    out = tmp_path / "o"
    once(out, INPUTS, Make("old"))
    write(out / "notes.txt", "mine")
    before = content(out)
    with pytest.raises(KeyboardInterrupt):
        once(out, INPUTS | {"seed": 1}, Make("new", dies=True), replace=True)
    assert content(out) == before
    assert once(out, INPUTS, Make("never"), replace=True)["fresh"] is False
    once(out, INPUTS | {"seed": 1}, Make("new"), replace=True)
    assert (out / "a.txt").read_text() == "new" and (out / "notes.txt").read_text() == "mine"
    once(out, INPUTS | {"seed": 1}, Make("newer"), fresh=True)
    assert (out / "a.txt").read_text() == "newer"
    assert {path.name for path in tmp_path.iterdir()} >= {"o"}


@pytest.mark.parametrize("resumes", [True, False])
def test_an_interrupted_make_goes_on_or_starts_from_nothing(resumes, tmp_path):
    out, make = tmp_path / "o", Make()

    def dies(folder):
        write(folder / "left.txt", "x")
        write(scratch(folder) / "s.txt", "kept")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once(out, INPUTS, dies, resumes=resumes)
    assert not out.exists()

    def goes_on(folder):
        assert (scratch(folder) / "s.txt").read_text() == "kept"
        (folder / "left.txt").unlink(missing_ok=True)
        return make(folder)

    once(out, INPUTS, goes_on, resumes=resumes)
    assert make.found == []
    assert set(content(tmp_path)) == {"o/a.txt", "o/deep/b.bin", "o/manifest.json"}


def test_a_make_that_wrote_nothing_leaves_nothing(tmp_path):
    def refuses(folder):
        raise InputError("a row is too long")

    with pytest.raises(InputError):
        once(tmp_path / "o", INPUTS, refuses)
    assert not list(tmp_path.iterdir())


def test_files_of_others_stay_and_taken_names_are_said_before_the_work(tmp_path):
    make, out = Make(), tmp_path / "o"
    out.mkdir()
    write(out / "a.txt", "mine")
    with pytest.raises(InputError, match=r"a\.txt is there already and not ours; move it away"):
        once(out, INPUTS, make, names=["a.txt", "deep"])
    assert make.times == 0 and (out / "a.txt").read_text() == "mine"
    with pytest.raises(InputError, match=r"a\.txt is there already"):  # seen only when it is made
        once(out, INPUTS, make)
    assert make.times == 1 and content(out) == {"a.txt": b"mine"}
    (out / "a.txt").rename(out / "b.txt")
    once(out, INPUTS, make)
    assert make.times == 1  # what was made waited
    assert set(content(out)) == {"a.txt", "b.txt", "deep/b.bin", "manifest.json"}


def signed(**said):
    return json.dumps(said | {"sha256": digest(said)}).encode()


MANIFESTS = {
    "empty": b"", "half": b'{"seed": 0, "fil', "list": b"[1]", "null": b"null", "binary": b"\xff\x00\x9c",
    "other": b'{"files": ["a"]}', "newer": signed(**INPUTS, store=99, files={}),
    "edited": b'{"store": 1, "files": {}, "sha256": "0"}',
    "older": json.dumps({**INPUTS, "files": ["a.txt"]}).encode(),
    "climbs": signed(**INPUTS, store=FORMAT, files={"../x": "0"}),
    "deep": b"[" * 100_000,
    "files no text": signed(store=FORMAT, files=["a"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", MANIFESTS)
@pytest.mark.parametrize("replace", [True, False])
def test_a_manifest_that_is_not_ours_is_said(kind, replace, tmp_path):
    make, out = Make(), tmp_path / "o"
    once(out, INPUTS, make)
    (out / "manifest.json").write_bytes(MANIFESTS[kind])
    before = content(tmp_path)
    with pytest.raises(InputError, match="and no whole manifest of this result; move it away"):
        once(out, INPUTS, make, replace=replace)
    assert content(tmp_path) == before and make.times == 1


def test_the_place_is_not_what_is_read(tmp_path):
    data, link = tmp_path / "d" / "rows.jsonl", tmp_path / "link.jsonl"
    data.parent.mkdir()
    write(data, "{}")
    link.symlink_to(data)
    make = Make()
    for out, how, text in [
        (data, {}, "is a file; give the name of a folder"),
        (data.parent, {"manifest": "m.json"}, "is a folder; give the name of a file"),
        (data.parent, {}, "is or holds it"),
        (tmp_path, {}, "is or holds it"),
        (data, {"manifest": "m.json"}, "is or holds it"),
        (link, {"manifest": "m.json"}, "is or holds it"),
        (tmp_path / "d" / "x", {"manifest": "rows.jsonl"}, "is or holds it"),
        (data / "x", {}, "cannot be written: .*; what stands above it is a file"),
        (
            tmp_path / ("n" * 300),
            {},
            "cannot be written: File name too long; choose a shorter name",
        ),
        (tmp_path / ("n" * 300), {"manifest": "m"}, "File name too long; choose a shorter name"),
    ]:
        with pytest.raises(InputError, match=text) as told:
            once(out, INPUTS, make, reads=[data], **how)
        assert len(str(told.value)) <= 300
    assert make.times == 0 and data.read_text() == "{}"


def test_names_and_paths_may_be_long(tmp_path):
    out = tmp_path.joinpath(*["d" * 200] * 6, "n" * 250)
    once(out, INPUTS, Make())
    assert not once(out, INPUTS, Make())["fresh"]


@pytest.mark.parametrize("wait", [True, False])
def test_side_by_side_the_second_waits_or_is_told_who_is_at_work(wait, tmp_path):
    begun, go = threading.Event(), threading.Event()

    def slow(folder):
        begun.set()
        go.wait(10)
        write(folder / "a.txt", "x")

    first = threading.Thread(target=once, args=(tmp_path / "o", INPUTS, slow))
    first.start()
    begun.wait(10)
    if wait:
        threading.Timer(0.2, go.set).start()
        assert not once(tmp_path / "o", INPUTS, slow, wait=True)["fresh"]
    else:
        with pytest.raises(
            InputError, match=rf"is being made by process {os.getpid()} on .* since"
        ):
            once(tmp_path / "o", INPUTS, slow)
        go.set()
    first.join()
    assert [path.name for path in tmp_path.iterdir()] == ["o"]


def test_a_lock_dies_with_its_process(tmp_path):
    program = (
        "import os, pathlib, sys\nfrom sparcom_nb.store import once\n"
        "def make(folder): (folder / 'x').write_text('x'); os._exit(9)\n"
        "once(sys.argv[1], {'a': 1}, make)\n"
    )
    out = tmp_path / "o"
    assert subprocess.run([sys.executable, "-c", program, out], check=False).returncode == 9
    assert list(tmp_path.glob("*.lock")) or list(tmp_path.glob(".*.lock"))
    assert once(out, {"a": 1}, Make())["fresh"]
    assert [path.name for path in tmp_path.iterdir()] == ["o"]


def test_without_locks_that_is_said(tmp_path, monkeypatch, capsys):
    import errno
    import fcntl

    def none(*_):
        raise OSError(errno.ENOSYS, "no locks")

    monkeypatch.setattr(fcntl, "flock", none)
    assert once(tmp_path / "o", INPUTS, Make())["fresh"]
    assert "no locks on this file system" in capsys.readouterr().err


LIMITED = """
import resource, sys
from sparcom_nb.errors import InputError
from sparcom_nb.store import once
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
def make(folder): (folder / "x").write_bytes(bytes(int(sys.argv[2])))
try:
    once(sys.argv[1], {"a": 1}, make)
except InputError as error:
    sys.exit(str(error))
"""
MOUNTED = "mount -t tmpfs -o size=64k{} none {} && exec {} -c {} {}/o {}"


def limited(out, size):
    command = [sys.executable, "-c", LIMITED, out, str(size)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_files_that_may_not_be_so_large_are_one_line(tmp_path):
    assert limited(tmp_path / "o", 10_000) == (
        f"{tmp_path / 'o'} cannot be written: File too large; allow larger files; the same command "
        "goes on from here\n"
    )
    assert not (tmp_path / "o").exists() and limited(tmp_path / "o", 10) == ""


@pytest.mark.parametrize(
    ("option", "text"),
    [(",ro", "Read-only file system; choose a place that can be written"),
     ("", "No space left on device; make room; the same command goes on from here")],
)  # fmt: skip
def test_a_full_disk_and_one_that_may_not_be_written_are_one_line(option, text, tmp_path):
    import shlex

    program = shlex.quote(LIMITED.replace("9000, 9000", "10**9, 10**9"))
    line = MOUNTED.format(option, tmp_path, sys.executable, program, tmp_path, 100_000)
    found = subprocess.run(
        ["unshare", "-m", "sh", "-c", line], capture_output=True, text=True, check=False
    )
    if "Operation not permitted" in found.stderr or "must be superuser" in found.stderr:
        pytest.skip("no disk of its own may be mounted here")
    assert found.stderr == f"{tmp_path / 'o'} cannot be written: {text}\n"


@pytest.mark.parametrize(
    "said",
    [
        "No space left on device (os error 28)",
        "[enforce fail at inline_container.cc:672] . unexpected pos 3106944",
    ],
)
def test_a_full_disk_is_known_by_what_libraries_say(said, tmp_path):
    def full(folder):
        raise RuntimeError(said)

    with pytest.raises(InputError, match="make room; the same command goes on from here"):
        once(tmp_path / "o", INPUTS, full)

    def wrong(folder):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        once(tmp_path / "o", INPUTS, wrong)


def test_names_are_readable_and_belong_to_one_text():
    assert safe_name("tiny-dense") == "tiny-dense"
    texts = ["a b", "a-b", "a/b", "a,b", "a, b", " a-b", "a-b ", "", ".", "..", "é", "e\u0301", "x" * 99,
             "x" * 100, "x" * 101, "x" * 300, "../x", "a\nb", "\ud83d"]  # fmt: skip
    names = [safe_name(text) for text in texts]
    assert len(set(names)) == len(texts)
    assert all(0 < len(name) <= 100 and not name.startswith((".", "-")) for name in names)
    assert safe_name("base, tuned").startswith("base-tuned-")


def test_a_file_is_written_at_one_stroke(tmp_path):
    write(tmp_path / "f", "é\n")
    assert (tmp_path / "f").read_bytes() == "é\n".encode()
    write(tmp_path / "f", b"\x00")
    with pytest.raises(TypeError):
        write(tmp_path / "f", 3)  # type: ignore[arg-type]
    assert content(tmp_path) == {"f": b"\x00"}


def test_the_manifest_itself_may_be_the_result(tmp_path):
    for fresh in (True, False):
        said = once(tmp_path / "a.json", INPUTS, lambda _: {"reply": "x"}, manifest="a.json")
        assert said["reply"] == "x" and said["fresh"] is fresh


def test_stopped_in_python_it_says_that_the_same_call_goes_on(tmp_path, capsys):
    def stopped(folder):
        (folder / "part").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        once(tmp_path / "out", {"a": 1}, stopped)
    assert capsys.readouterr().err.endswith("out: stopped; the same call goes on from here\n")


def one_file(folder):
    write(folder / "o.jsonl", "new")


AS_FILE = {"manifest": "o.manifest.json", "names": ["o.jsonl"]}


@pytest.mark.parametrize("there", [True, False])
def test_an_out_that_is_a_link_is_not_followed(there, tmp_path):
    other = tmp_path / "other"
    if there:
        write(other, "mine")
    (tmp_path / "o.jsonl").symlink_to(other)
    with pytest.raises(InputError, match=r"o\.jsonl is there already and not ours; move it away"):
        once(tmp_path / "o.jsonl", INPUTS, one_file, **AS_FILE)
    assert other.exists() is there and (not there or other.read_text() == "mine")
    assert (tmp_path / "o.jsonl").is_symlink()


def test_a_folder_may_be_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "o").symlink_to(tmp_path / "far")
    assert once(tmp_path / "o", INPUTS, Make())["fresh"]
    assert (tmp_path / "o").is_symlink() and (tmp_path / "far" / "a.txt").is_file()
    assert not once(tmp_path / "far", INPUTS, Make())["fresh"]


def test_files_of_others_whose_names_end_in_part_stay(tmp_path):
    names = [".a.part", "b.part", ".1-x.part", ".notes-2.part", "1-2.part", ".12-.part"]

    def make(folder):
        for name in (*names, ".12-34.part"):
            (folder / name).write_text("x")

    out = tmp_path / "o"
    assert set(once(out, INPUTS, make)["files"]) == set(names)
    assert {path.name for path in out.iterdir()} == {*names, "manifest.json"}
    sweep(out)
    assert {path.name for path in out.iterdir()} == {*names, "manifest.json"}


def test_work_of_a_place_whose_name_begins_alike_is_left_alone(tmp_path):
    """The work of ``o`` is called .o.work-HASH; that of ``o.work-1`` begins with the same letters."""
    alike = [tmp_path / name for name in ("o.work-1", "o.work", "o2", "o-1")]

    def dies(folder):
        write(folder / "a.txt", "half")
        raise KeyboardInterrupt

    for place in alike:
        with pytest.raises(KeyboardInterrupt):
            once(place, INPUTS, dies, resumes=True)
    left = content(tmp_path)
    assert len(left) == len(alike)
    once(tmp_path / "o", INPUTS, Make())
    assert {k: v for k, v in content(tmp_path).items() if not k.startswith("o/")} == left
    make = Make()
    for place in alike:
        once(place, INPUTS, make, resumes=True)
        assert make.found == ["a.txt"]
