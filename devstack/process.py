"""Child processes that end with their parent, and can be stopped with all their children."""

from __future__ import annotations

import ctypes
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from devstack.os_user import OsUser

_PR_SET_PDEATHSIG = 1
# Below the ports that the kernel gives to outgoing connections, which may be taken before a server listens on them.
_SERVER_PORTS = range(20_000, 32_000)
_PORT_ATTEMPTS = 3


class DevstackError(RuntimeError):
    """A private server or a process of `make run` that can't be started or has failed; the message says why."""


def start(
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    os_user: OsUser | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a command with its output in `log`; the previous run's log is renamed to `….1`.

    The command gets its own session, so that Ctrl-C in a terminal reaches only the parent, which then stops its
    processes in order. On Linux the kernel sends it `death_signal` when the thread that started it dies.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
    with log.open("wb") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=directory,
            start_new_session=True,
            preexec_fn=_child_setup(os_user, death_signal),
        )


def run(command: Sequence[str | Path], *, os_user: OsUser | None = None, directory: Path) -> None:
    """Run a command to its end; raise `DevstackError` with its output if it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=directory,
        preexec_fn=_child_setup(os_user, signal.SIGKILL),
        check=False,
    )
    if done.returncode:
        name = Path(command[0]).name
        raise DevstackError(f"{name} failed:\n{done.stdout.decode(errors='replace').strip()}")


def _child_setup(os_user: OsUser | None, death_signal: signal.Signals) -> Callable[[], None]:
    """Return the function that the child runs between fork and exec. What it needs is loaded before the fork."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def prepare() -> None:
        # The parent ignores SIGINT while it shuts down; the child must not inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if os_user is not None:
            os_user.assume(libc)
        if sys.platform == "linux":
            # After the change of user, which clears the setting.
            libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def stop(process: subprocess.Popen[bytes], *, first: signal.Signals, seconds: float, name: str) -> None:
    """Send `first` to a process that `start` started, and kill it and its children after `seconds`."""
    if process.poll() is not None:
        return
    family = _process_tree(process.pid)
    process.send_signal(first)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        print(f"{name} did not stop within {seconds:.0f} s and is killed.", file=sys.stderr)
        family = {*family, *_process_tree(process.pid)}
        process.kill()
        process.wait()
    for member in family:
        if member.pid != process.pid:
            with suppress(psutil.NoSuchProcess):
                member.kill()


def _process_tree(pid: int) -> set[psutil.Process]:
    try:
        return set(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return set()


def stop_orphan(pid: int, argument: str, *, signals: Sequence[signal.Signals], seconds: float) -> None:
    """Stop the process `pid` if its command line has this argument, which shows that a killed run left it behind.

    The signals are tried one after the other, each for `seconds`. A process that merely reuses the PID is left alone.
    """
    try:
        process = psutil.Process(pid)
        if argument not in process.cmdline():
            return
        for chosen in signals:
            process.send_signal(chosen)
            try:
                process.wait(seconds)
                return
            except psutil.TimeoutExpired:
                continue
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise DevstackError(
            f"Process {pid} of an earlier run belongs to another user. Stop it: sudo kill {pid}"
        ) from error
    raise DevstackError(f"Process {pid} of an earlier run does not stop. Try: kill -9 {pid}")


def wait_until(
    ready: Callable[[], bool],
    process: subprocess.Popen[bytes],
    log: Path,
    *,
    name: str,
    seconds: float,
) -> None:
    """Wait until `ready()`; raise `DevstackError` with the end of the log if the process ends or time runs out."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise DevstackError(f"{name} stopped while starting. The end of {log}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise DevstackError(f"{name} is not ready after {seconds:.0f} s. The end of {log}:\n{tail(log)}")
        time.sleep(0.03)


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log, indented."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return "  (there is no log)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (it is empty)"


def free_port(preferred: int = 0, host: str = "127.0.0.1") -> int:
    """Return the first free port from `preferred` on, or any free one if there is none among the next 100."""
    following = range(preferred, min(preferred + 100, 65_536)) if preferred else range(0)
    candidates: list[int] = [*following, *random.sample(_SERVER_PORTS, 1_000)]
    for port in candidates:
        if _is_free(port, host):
            return port
    raise OSError(f"No port of {host} is free.")


def start_on_free_port(
    launch: Callable[[int], subprocess.Popen[bytes]],
    is_ready: Callable[[int], bool],
    log: Path,
    *,
    name: str,
    start_seconds: float,
    stop_signal: signal.Signals,
    stop_seconds: float,
    port_taken: str,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a server and wait until it is ready; return its process and its port.

    If the end of the log contains `port_taken`, another process took the port in the meantime and another one is tried.
    Raise `DevstackError` if the server does not start.
    """
    attempt = 1
    while True:
        port = free_port()
        server = launch(port)
        try:
            wait_until(partial(is_ready, port), server, log, name=name, seconds=start_seconds)
            return server, port
        except BaseException as error:
            stop(server, first=stop_signal, seconds=stop_seconds, name=name)
            if attempt == _PORT_ATTEMPTS or port_taken not in str(error):
                raise
        attempt += 1


def _is_free(port: int, host: str) -> bool:
    with socket.socket() as probe:
        # The servers set this option, too; it ignores closed connections of a server that has just ended.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        # macOS lets one bind 127.0.0.1 where another process listens on all addresses.
        with socket.socket() as caller:
            caller.settimeout(0.5)
            return caller.connect_ex(("127.0.0.1", port)) != 0


def read_or_create_secret(file: Path) -> str:
    """Return the secret stored in `file`; create it, readable by its owner only, if there is none yet."""
    try:
        stored = file.read_text().strip()
    except FileNotFoundError:
        stored = ""
    if stored:
        return stored
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    secret = secrets.token_urlsafe(24)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(f"{secret}\n")
    new.replace(file)
    return secret
