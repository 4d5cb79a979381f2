"""One way to keep a result: made once, whole or not there, found again by all that it was made of.

    once(place, inputs, make) -> manifest

``make`` writes into a work folder of its own beside the place, named by the hash of the inputs: what
was begun for other inputs is never mixed in, and what was interrupted goes on there. When all is
written, every file gets a checksum in the manifest, and one rename makes it the result. In a folder
that holds other things already the parts are moved in one by one, the manifest last; a kill between
two of them is made good by the next call. Nothing that stands is removed before its successor is
whole, and a file that no manifest of ours lists is never touched.
"""

import errno
import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from threading import get_ident
from time import strftime
from typing import Any

from filelock import FileLock, Timeout
from tqdm import tqdm

from sparcom_nb.errors import InputError, one_line

#: Raised when what a manifest means changes: an older program then says so and leaves it alone.
FORMAT = 1
_LIBRARIES = (
    "sparcom-nb",
    "torch",
    "transformers",
    "transformer-lens",
    "numpy",
    "pandas",
    "xarray",
)
_NAME = 100  # characters of a name that is made from a text


# ---------------------------------------------------------------- what others use


def once(
    place: str | Path,
    inputs: Mapping[str, Any],
    make: Callable[[Path], Mapping[str, Any] | None],
    *,
    manifest: str = "",
    names: Iterable[str] = (),
    reads: Iterable[str | Path] = (),
    wait: bool = False,
    replace: bool = False,
    fresh: bool = False,
    resumes: bool = False,
) -> dict[str, Any]:
    """Return the manifest of the result made of these inputs; make it when it is not there whole.

    Args:
        place: the result: a folder, or one file when ``manifest`` is given.
        inputs: all that the result depends on, as plain data: hashes, parameters, versions, seed.
        make: ``make(folder)`` writes the result there and returns what else the manifest shall say.
            :func:`scratch` has room for what the next sitting goes on from and nobody keeps.
        manifest: its name: in the folder (``manifest.json`` when empty), or beside the one file.
        names: what ``make`` is going to write, so that a name that is taken is said before the work.
        reads: files and folders that are read: the result must not be one of them or hold one.
        wait: wait for another process that makes the same; else it is named in an error.
        replace: a result of other inputs is replaced once this one is whole; else it is an error.
        fresh: make again what is there, and replace it.
        resumes: ``make`` goes on in a folder that an earlier sitting left, or that holds what is
            whole of a damaged result; else the folder is empty.

    Returns:
        The inputs, what ``make`` returned, ``files`` (checksum by path) and ``fresh``: made now? The
        names ``files``, ``store``, ``sha256`` and ``fresh`` are the manifest's own.

    Raises:
        InputError: the place is taken by other inputs, by files of others or by another process,
            is what is read, or cannot be written; nothing that stood is changed.
    """
    wanted = json.loads(_json(inputs))
    with told(Path(place)):
        at = _Place.of(Path(place), manifest, digest(inputs)[:16])
        _check(at, reads)
        if not (fresh or at.work.exists() or at.lock.exists()) and _damaged(at, wanted) == []:
            return {**(_standing(at) or {}), "fresh": False}
        with _locked(at, wait):
            _publish(at)
            damaged = _damaged(at, wanted)
            if fresh or damaged == []:
                shutil.rmtree(at.work, ignore_errors=True)
            if damaged == [] and not fresh:
                return {**(_standing(at) or {}), "fresh": False}
            _check_free(at, wanted, names, replace)
            if damaged:
                more = f" and {len(damaged) - 3} more" if damaged[3:] else ""
                say(f"{_short(at.name)}: damaged, made again: {', '.join(damaged[:3])}{more}")
            _begin(at, resumes and not fresh, damaged)
            made = _made(at, make)
            for inner in [at.made, *(path for path in at.made.rglob("*") if path.is_dir())]:
                sweep(inner)
            said = seal(at.made, wanted | made, at.manifest)
            _publish(at)
    return said | {"fresh": True}


def scratch(folder: Path) -> Path:
    """Folder for what a ``make`` needs between sittings; gone when the result is whole."""
    place = folder.parent / "scratch"
    place.mkdir(exist_ok=True)
    return place


@contextmanager
def held(place: Path) -> Iterator[None]:
    """Hold a file that is made of several results; its folder is made.

    Raises:
        InputError: says who else holds it, or why it cannot be written.
    """
    with told(place):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
        except FileNotFoundError:  # where no folder can be made, as in /proc
            raise InputError(f"{_short(place)} cannot be written; choose another place") from None
        with _locked(_Place.of(place, "manifest.json", ""), wait=False):
            yield


@dataclass(frozen=True)
class Part:
    """A folder inside the work of a larger result, which is kept by that result and not by itself."""

    path: Path


def write(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a kill, finds the old or the new one and never half of it."""
    part = path.with_name(f".{os.getpid()}-{get_ident()}.part")
    try:
        with part.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def sweep(folder: Path) -> None:
    """Remove what :func:`write` left in a folder when it was killed; whoever calls holds the folder."""
    for part in folder.glob(".*-*.part"):
        if re.fullmatch(r"\.\d+-\d+\.part", part.name):
            part.unlink()


def digest(inputs: Mapping[str, Any]) -> str:
    """SHA-256 of plain data, whatever the order of its names."""
    return _hash(_json(inputs))


@cache
def versions(*more: str) -> dict[str, str]:
    """Versions of this package, of Python and of the libraries that can change a number."""
    return {"python": platform.python_version()} | {
        name: version(name) for name in (*_LIBRARIES, *more)
    }


def safe_name(text: str) -> str:
    """A name for a file or folder that says ``text`` and belongs to no other text.

    At most 100 letters, digits and ``._-``; where that changes the text, a short hash tells it
    apart.
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")
    if 0 < len(plain) <= _NAME and plain == text:
        return plain
    return f"{plain[: _NAME - 9]}-{_hash(text)[:8]}".lstrip("-")


def seal(
    folder: Path, said: Mapping[str, Any] | None = None, manifest: str = "manifest.json"
) -> dict[str, Any]:
    """Write the manifest of a folder with a checksum of every file: what is in it now is whole."""
    sums = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        _flush(file)
        sums[file.relative_to(folder).as_posix()] = _sha256(file)
    made = json.loads(json.dumps({**(said or {}), "store": FORMAT, "files": sums}))
    write(folder / manifest, json.dumps(made | {"sha256": digest(made)}, indent=2) + "\n")
    return made


def is_whole(folder: Path) -> bool:
    """Whether a folder is sealed and every file in it what it was."""
    said = record(folder / "manifest.json")
    return said is not None and not damage(folder, said["files"])


def damage(folder: Path, sums: Mapping[str, str]) -> list[str]:
    """Those of the files that are missing or not what their checksum says."""
    return [name for name, known in sums.items() if not _is(folder / name, known)]


def file_sha256(file: Path) -> str:
    """SHA-256 of a file, which is read once in a process as long as nothing happens to it."""
    stat = file.stat()
    return _read_sha256(file, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@cache
def _read_sha256(file: Path, *_: int) -> str:
    return _sha256(file)


def say(text: str) -> None:
    """One line for whoever waits."""
    tqdm.write(text, file=sys.stderr)


# ---------------------------------------------------------------- where everything stands


@dataclass(frozen=True)
class _Place:
    """A result's place, and the places of what leads to it."""

    name: Path  # as it was given
    folder: Path  # where the parts stand
    manifest: str
    own: bool  # the folder is the result, not only where it stands
    work: Path
    lock: Path

    @classmethod
    def of(cls, name: Path, manifest: str, key: str) -> "_Place":
        # a file that is a link is not followed: its name is what the result is called
        path = _real(name.parent) / name.name if manifest else _real(name)
        beside = _beside(path)
        hidden = f".{safe_name(path.name)}"
        return cls(
            name,
            path.parent if manifest else path,
            manifest or "manifest.json",
            not manifest,
            beside / f"{hidden}.work-{key}",
            beside / f"{hidden}.lock",
        )

    @property
    def made(self) -> Path:
        """Where ``make`` writes."""
        return self.work / "result"

    @property
    def old(self) -> Path:
        """What was replaced, until its successor stands."""
        return self.work / "old"

    @property
    def standing(self) -> Path:
        return self.folder / self.manifest

    @property
    def sealed(self) -> Path:
        return self.made / self.manifest


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _beside(path: Path) -> Path:
    """The folder above; the result itself where that is another disk or may not be written."""
    mounted = path.is_dir() and (os.path.ismount(path) or not os.access(path.parent, os.W_OK))
    return path if mounted else path.parent


def record(path: Path) -> dict[str, Any] | None:
    """A manifest that this version wrote; None for none, half of one or anything else."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if (
        not isinstance(said, dict)
        or said.get("store") != FORMAT
        or said.pop("sha256", "") != digest(said)
    ):
        return None
    files = said.get("files")
    plain = isinstance(files, dict) and all(map(_inside, files))
    return said if plain else None


def _inside(name: str) -> bool:
    """Whether a name in a manifest is of a file in its folder."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _standing(at: _Place) -> dict[str, Any] | None:
    """The manifest at a place, if it is of this place: ``a.manifest.json`` may be of another ``a``."""
    said, own = record(at.standing), at.own or at.name.name == at.manifest
    return said if said and (own or at.name.name in said["files"]) else None


def _damaged(at: _Place, wanted: Mapping[str, Any]) -> list[str] | None:
    """Files of the result of these inputs that are damaged; None when there is no such result."""
    said = _standing(at)
    return damage(at.folder, said["files"]) if said and _same(said, wanted) else None


def _same(said: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(name in said and said[name] == value for name, value in wanted.items())


def _tops(files: Iterable[str]) -> set[str]:
    return {PurePosixPath(name).parts[0] for name in files}


# ---------------------------------------------------------------- refusals


def _check(at: _Place, reads: Iterable[str | Path]) -> None:
    """The place can be one, and is not what is read."""
    path = _real(at.name)
    if path.exists() and path.is_dir() != at.own:
        there, wanted = ("file", "folder") if at.own else ("folder", "file")
        raise InputError(f"{_short(at.name)} is a {there}; give the name of a {wanted}")
    for read in map(Path, reads):
        real = _real(read)
        if real.exists() and (real.is_relative_to(path) or real == at.standing):
            raise InputError(
                f"{_short(read)} is read, and {_short(at.name)} is or holds it; choose another place"
            )


def _check_free(at: _Place, wanted: Mapping[str, Any], names: Iterable[str], replace: bool) -> None:
    """Nothing of others, and nothing of other inputs, stands where the result shall stand."""
    said = _standing(at)
    if said is None:
        _check_names(at, [at.manifest, *names], set())
    elif not replace and not _same(said, wanted):
        raise InputError(
            f"{_short(at.name)} holds a result of other inputs ({_differences(said, wanted)}); choose "
            "another place, or delete it"
        )


def _check_names(at: _Place, names: Iterable[str], own: set[str]) -> None:
    for name in names:
        if os.path.lexists(at.folder / name) and name not in own:
            said = "no whole manifest of this result" if name == at.manifest else "not ours"
            raise InputError(
                f"{_short(at.folder / name)} is there already and {said}; move it away, or choose "
                "another place"
            )


def _differences(said: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """The first few of what differs, as ``seed 0, not 1``."""
    there, asked = _flat(said), _flat(wanted)
    told = [
        f"{name} {_brief(there.get(name))}, not {_brief(value)}"
        for name, value in asked.items()
        if name not in there or there[name] != value
    ]
    return "; ".join(told[:3])[:150]


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {name: value}
    parts = [_flat(one, f"{name}.{key}".strip(".")) for key, one in value.items()]
    return {key: one for part in parts for key, one in part.items()}


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 16 else f"{text[:12]}..."


def _short(path: Path) -> str:
    return one_line(path, 100)


#: What mends an error of the file system.
_MENDS = {
    errno.ENOSPC: "make room; the same command goes on from here",
    errno.EDQUOT: "make room; the same command goes on from here",
    errno.EFBIG: "allow larger files; the same command goes on from here",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: "give the name of a file",
    errno.ENOTDIR: "what stands above it is a file; choose another place",
    errno.EEXIST: "what stands above it is a file; choose another place",
}
_UNWRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.EXDEV, errno.EBUSY, errno.ELOOP)
_FULL = re.compile(r"no space left|os error 28|disk quota|inline_container", re.IGNORECASE)


@contextmanager
def told(place: Path) -> Iterator[None]:
    """Say in one line that a file could not be written; other errors pass."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        code = _code(error)
        if code is None:
            raise
        mend = _MENDS.get(code, "choose a place that can be written")
        raise InputError(
            f"{_short(place)} cannot be written: {os.strerror(code)}; {mend}"
        ) from error


def _code(error: Exception) -> int | None:
    """Number of an error of writing; some libraries say it only in words."""
    if isinstance(error, OSError) and error.errno in {*_MENDS, *_UNWRITABLE}:
        return error.errno
    return errno.ENOSPC if _FULL.search(str(error)) else None


# ---------------------------------------------------------------- making


def _begin(at: _Place, resumes: bool, damaged: list[str] | None) -> None:
    """Make the folder for ``make``: empty, or as it was left, or with what is whole of the result."""
    shutil.rmtree(at.old, ignore_errors=True)
    if not resumes:
        shutil.rmtree(at.made, ignore_errors=True)
    begun = at.made.is_dir()
    at.made.mkdir(parents=True, exist_ok=True)
    if resumes and damaged and not begun:
        for name in set((_standing(at) or {})["files"]) - set(damaged):
            (at.made / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(at.folder / name, at.made / name)


def _made(at: _Place, make: Callable[[Path], Mapping[str, Any] | None]) -> dict[str, Any]:
    """Run ``make`` in its folder; a work folder without any file does not stay."""
    try:
        return dict(make(at.made) or {})
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):  # in Python; a command ends without one
            say(f"{_short(at.name)}: stopped; the same call goes on from here")
        if not any(path.is_file() for path in at.work.rglob("*")):
            shutil.rmtree(at.work, ignore_errors=True)
        raise


def _publish(at: _Place) -> None:
    """Make what is sealed the result; after an interruption it ends the same.

    Another run of the same place may have been killed here: it is ended first.
    """
    stem = at.work.name.rpartition("-")[0]
    for work in sorted(at.work.parent.glob(f"{stem}-*")):
        if not re.fullmatch(r"-[0-9a-f]{16}", work.name.removeprefix(stem)):
            continue  # that of another place, whose name begins alike
        _move(_Place(at.name, at.folder, at.manifest, at.own, work, at.lock))


def _move(at: _Place) -> None:
    said = record(at.sealed)
    if said is None:
        return
    if at.own and not (at.folder.exists() and any(at.folder.iterdir())):
        at.made.rename(at.folder)
    else:
        _move_in(at, _tops(said["files"]))
    _flush(at.folder)
    shutil.rmtree(at.work, ignore_errors=True)


def _move_in(at: _Place, new: set[str]) -> None:
    """Move the parts one by one, the manifest last; what they replace goes aside first."""
    at.old.mkdir(exist_ok=True)
    before = _standing(at) or record(at.old / at.manifest) or {"files": {}}
    own = _tops(before["files"])
    waiting = {name for name in new if (at.made / name).exists()}
    _check_names(at, sorted(waiting), own)
    if at.standing.exists():
        _check_names(at, [at.manifest], {at.manifest} if _standing(at) else set())
        at.standing.rename(at.old / at.manifest)
    for name in sorted(own - new | own & waiting):
        with suppress(FileNotFoundError):
            (at.folder / name).rename(at.old / name)
    for name in sorted(waiting):
        (at.made / name).rename(at.folder / name)
    _give_back(at, before["files"])
    at.sealed.rename(at.standing)


def _give_back(at: _Place, ours: Iterable[str]) -> None:
    """Others' files that stood inside a part that was replaced stand there again."""
    known = {at.manifest, *ours}
    for file in [path for path in at.old.rglob("*") if not path.is_dir()]:
        name = file.relative_to(at.old)
        if name.as_posix() not in known and not os.path.lexists(at.folder / name):
            (at.folder / name).parent.mkdir(parents=True, exist_ok=True)
            file.rename(at.folder / name)


# ---------------------------------------------------------------- locks and files


@contextmanager
def _locked(at: _Place, wait: bool) -> Iterator[None]:
    """Hold the place; the lock dies with its process. InputError says who holds it."""
    at.lock.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(at.lock, timeout=-1 if wait else 0, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{_short(at.name)} is being made by {_holder(at.lock)}; wait for it, or choose another place"
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
            raise
        say(f"{_short(at.name)}: no locks on this file system; start no second process on it")
    try:
        with suppress(OSError):
            at.lock.write_text(_who(), encoding="utf-8")
        yield
    finally:
        at.lock.unlink(missing_ok=True)
        lock.release()


def _who() -> str:
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])[:50]
    return (
        f"process {os.getpid()} on {socket.gethostname()} since {strftime('%H:%M:%S')} ({command})"
    )


def _holder(lock: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return lock.read_text(encoding="utf-8") or "another process"
    return "another process"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is(path: Path, known: str) -> bool:
    try:
        return _sha256(path) == known
    except OSError:
        return False


def _flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk, where the system can do that."""
    with suppress(OSError):
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _json(inputs: Mapping[str, Any]) -> str:
    return json.dumps(inputs, indent=1, sort_keys=True) + "\n"
