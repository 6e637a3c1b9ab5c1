"""Child processes that never outlive the test: each in a session of its own, ended by its pid when the test ends,
whatever the reason, and by the kernel should the test itself be killed."""
import atexit
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_children: list[subprocess.Popen] = []


def _prepare_child() -> None:
    """Dies with its parent, and takes SIGINT even where a shell started us in the background, with it ignored."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(command: list, **options) -> subprocess.Popen:
    """Starts a program; options are Popen's. Call it from the main thread only: the kernel ties the child's end to the
    thread that started it."""
    child = subprocess.Popen([str(part) for part in command], start_new_session=True, preexec_fn=_prepare_child,
                             **options)
    _children.append(child)
    return child


def end(child: subprocess.Popen, grace_seconds: float = 0.0) -> int:
    """Ends the child and what it started: SIGTERM if it is given time, then SIGKILL. Returns its exit status."""
    if child.poll() is None:
        if grace_seconds > 0:
            _signal_group(child, signal.SIGCONT)
            _signal_group(child, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(grace_seconds)
        _signal_group(child, signal.SIGKILL)
    status = child.wait()
    if child in _children:
        _children.remove(child)
    return status


def run(command: list, timeout_seconds: float = 300.0, **options) -> subprocess.CompletedProcess:
    """Runs a program to its end and returns its output as text; one that takes too long is ended and raises."""
    child = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **options)
    try:
        out, err = child.communicate(timeout=timeout_seconds)
    finally:
        end(child)
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


def wait_until(condition, timeout_seconds: float, what: str, interval_seconds: float = 0.05):
    """Polls until condition() is true and returns its value."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_seconds:g} s")
        time.sleep(interval_seconds)


def _signal_group(child: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _end_all() -> None:
    for child in list(_children):
        end(child)


def _exit_on_signal(number, _frame) -> None:
    sys.exit(128 + number)


atexit.register(_end_all)
signal.signal(signal.SIGTERM, _exit_on_signal)
signal.signal(signal.SIGHUP, _exit_on_signal)
