"""The operating system user that PostgreSQL runs as: it refuses to run as root, the usual user in containers.

No user is created and no folder's permissions are changed. The server runs as `nobody`. If the checkout is below a
folder that `nobody` may not enter (such as /root), the server keeps the one capability that lets it pass, on Linux. The
packages that bundle PostgreSQL would run `useradd` and open every folder up to `/` instead.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_NOBODY = 65_534
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_SECUREBITS = 28
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


@dataclass(frozen=True, slots=True)
class OsUser:
    """User and group to switch to; with `pass_folders` the process may still enter folders closed to them."""

    uid: int
    gid: int
    pass_folders: bool = False

    def assume(self, libc: ctypes.CDLL) -> None:
        """Switch to this user permanently. Called between fork and exec, as root."""
        if self.pass_folders:
            # With this bit setuid() keeps capabilities, and so does access(2), with which PostgreSQL checks its own
            # programs.
            _check(libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if self.pass_folders:
            # Only ambient capabilities survive exec in a process that is not root.
            bit = 1 << _CAP_DAC_OVERRIDE
            data = (_Data * 2)(_Data(bit, bit, bit), _Data(0, 0, 0))
            _check(libc.capset(ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), data))
            _check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0))

    def own(self, path: Path) -> None:
        """Make this user the owner of a file or folder."""
        os.chown(path, self.uid, self.gid)


def _check(result: int) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def server_user(data: Path, programs: Path) -> OsUser | None:
    """Return the user that a server with its data in `data` must switch to, or None if the current user will do.

    For root it is the owner of existing data, so that `make run` works alternately with and without sudo.
    """
    if os.geteuid() != 0:
        return None
    uid, gid = _nobody()
    if data.exists() and data.stat().st_uid != 0:
        uid, gid = data.stat().st_uid, data.stat().st_gid
    closed = not _reachable([data, *_sample(programs)], uid)
    return OsUser(uid, gid, pass_folders=closed and sys.platform == "linux")


def _nobody() -> tuple[int, int]:
    """Return uid and gid of the user `nobody`, or else of any other named user that is not root."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        named = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
        if not named:
            return _NOBODY, _NOBODY
        entry = named[-1]
    return entry.pw_uid, entry.pw_gid


def _sample(programs: Path) -> Iterable[Path]:
    """Return the folders of the programs and one program, because they all have the same permissions."""
    return [programs / "postgres", programs.parent / "lib", programs.parent / "share"]


def _reachable(paths: Iterable[Path], uid: int) -> bool:
    """Return whether the user may enter all folders above the paths, and read the paths that exist.

    Group permissions don't count, because the server belongs to no other group.
    """
    for path in (path.resolve() for path in paths):
        for folder in path.parents:
            if not folder.exists() or not _allows(folder, uid, stat.S_IXOTH):
                return False
        if path.exists() and not _allows(path, uid, stat.S_IXOTH | stat.S_IROTH):
            return False
    return True


def _allows(path: Path, uid: int, wanted: int) -> bool:
    status = path.stat()
    if status.st_uid == uid:
        wanted <<= 6
    return status.st_mode & wanted == wanted
