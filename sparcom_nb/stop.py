"""Ctrl-C: one ends a command within a moment, wherever it is, with all that it has started.

What a command keeps is written so that a kill can harm none of it, so there is nothing to unwind: a
thread of its own says that the same command goes on from there, ends the children (a report's
kernels, which are in sessions of their own) and leaves. An exception in the main thread would have
to wait for the end of whatever it does in C, and libraries swallow it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time

#: Ctrl-C; asked to end; the terminal is gone.
SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
TELL = "sparcom-nb: stopped; the same command goes on from here\n"


def install() -> None:
    """From now on one of `SIGNALS` ends this process with exit code 128 + its number (Ctrl-C: 130)."""
    inbox, outbox = socket.socketpair()
    outbox.setblocking(False)
    signal.set_wakeup_fd(outbox.detach(), warn_on_full_buffer=False)
    for number in SIGNALS:
        if number == signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, lambda *_: None)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_uninstall)
    threading.Thread(target=_watch, args=[inbox], name="stop", daemon=True).start()


def _uninstall() -> None:
    """A forked child ends by itself, without a word."""
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def _watch(inbox: socket.socket) -> None:
    """End at the first signal; at once at a second one."""
    threading.Thread(target=_end, args=[_next(inbox)], daemon=True).start()
    os._exit(128 + _next(inbox))


def _next(inbox: socket.socket) -> int:
    """Wait for a signal; the interpreter writes its number as it comes, whatever runs."""
    while (number := inbox.recv(1)[0]) not in SIGNALS:
        pass
    return number


def _end(number: int) -> None:
    with contextlib.suppress(OSError):
        os.write(2, ("\n" * os.isatty(2) + TELL).encode())
    _end_children()
    os._exit(128 + number)


def _end_children() -> None:
    """Kill all processes that descend from this one, and those that they start meanwhile."""
    import psutil

    until = time.monotonic() + 2
    while (children := psutil.Process().children(recursive=True)) and time.monotonic() < until:
        for child in children:
            with contextlib.suppress(psutil.Error):
                child.kill()
        psutil.wait_procs(children, timeout=0.2)
