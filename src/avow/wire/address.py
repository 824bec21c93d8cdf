"""Where a desk is reached: a Unix socket, or a private address; and the secret that guards the latter."""

import asyncio
import ipaddress
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from avow.errors import KeyFault, OperatorError

_LONGEST: Final = 107  # bytes: what unix(7) takes for a path
_OPENED: Final = Path("/proc/self/fd")  # what this process has opened, proc(5)
_SECRET: Final = 32  # bytes, at least

Place = Path | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Secret:
    """What both sides of a TCP connection know, and the dice for the challenge."""

    key: bytes
    dice: Callable[[int], bytes]

    @classmethod
    def read(cls, path: str | Path, dice: Callable[[int], bytes]) -> "Secret":
        """From a file that its owner alone may read. Raises `KeyFault`."""
        file = Path(path)
        try:
            mode, key = file.stat().st_mode, file.read_bytes().strip()
        except OSError as error:
            raise KeyFault(
                f"the secret `{file}` cannot be read: {error.strerror}; make one on one side and copy it to the other: "
                f"(umask 077; head -c 32 /dev/urandom | base64 > {file})"
            ) from None
        if mode & 0o077:
            raise KeyFault(f"the secret `{file}` may be read by others; chmod 600 it, and make a new one if they did")
        if len(key) < _SECRET:
            raise KeyFault(f"the secret `{file}` has fewer than {_SECRET} bytes; make a longer one")
        return cls(key, dice)


def place(address: str) -> Place:
    """What an address names: `/run/shop/desk.sock`, or `10.0.0.5:7000`. Raises `OperatorError`."""
    if "/" in address:
        return Path(address)
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise OperatorError(f"`{address}` is no address; name a Unix socket (/run/shop/desk.sock) or HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), int(port)


async def private(host: str, port: int, promise: str = "") -> tuple[str, int]:
    """The number of a private address. Raises `OperatorError`, with the promise's id, for any other."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OperatorError(f"the address `{host}` is not known here: {error.strerror}") from None
    numbers = [str(one[4][0]) for one in found]
    for number in numbers:
        one = ipaddress.ip_address(number.partition("%")[0])
        one = getattr(one, "ipv4_mapped", None) or one
        if one.is_unspecified or not (one.is_loopback or one.is_private):
            because = f"{promise} promises a private server" if promise else "the vault is not for the Internet"
            raise OperatorError(
                f"{because}, and `{host}:{port}` is an address that others reach; name a Unix socket, or an address of "
                "this machine's own network, such as 127.0.0.1 or 10.0.0.5"
            )
    return numbers[0], port


@contextmanager
def short(path: Path) -> Iterator[str]:
    """The path as a socket's address, which takes `_LONGEST` bytes: a longer one is reached by its opened folder.

    Raises `OperatorError` where that cannot be done, as elsewhere than on Linux, and `OSError` without the folder.
    """
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    if len(os.fsencode(path.name)) > _LONGEST // 2 or not _OPENED.is_dir():
        raise OperatorError(f"the socket's path `{path}` has more than {_LONGEST} bytes; choose a shorter one")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield str(_OPENED / str(folder) / path.name)
    finally:
        os.close(folder)


def unix_socket(path: Path, group: int | None = None) -> socket.socket:
    """A Unix socket bound at a path that nobody else reaches: 0600 in a folder of 0700; for a group 0660 in 0710.

    Raises `OperatorError` where the folder lets others in, or another process serves there.
    """
    _own_folder(path.parent, group)
    if path.is_socket():
        _no_one_there(path)
        path.unlink()
    elif path.exists():
        raise OperatorError(f"`{path}` is there and is no socket; name another path")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short(path) as address:
            made.bind(address)
        path.chmod(0o600)
        if group is not None:
            os.chown(path, -1, group)
            path.chmod(0o660)
    except OperatorError:
        made.close()
        raise
    except OSError as error:
        made.close()
        raise OperatorError(f"the socket `{path}` cannot be made: {error.strerror}") from None
    return made


def _own_folder(folder: Path, group: int | None) -> None:
    mode = 0o700 if group is None else 0o710
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if group is not None and folder.stat().st_uid == os.geteuid():
            os.chown(folder, -1, group)
            folder.chmod(mode)
        found = folder.stat()
    except OSError as error:
        raise OperatorError(f"the folder `{folder}` cannot be made or used: {error.strerror}") from None
    if found.st_uid not in (os.geteuid(), 0) or stat.S_IMODE(found.st_mode) & ~mode:
        raise OperatorError(
            f"others can reach into `{folder}`; the socket wants a folder of its own: chmod {mode:o} it"
        )


def _no_one_there(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            with short(path) as address:
                probe.connect(address)
        except OSError:
            return  # nobody listens: left by a process that died
    raise OperatorError(f"another process serves at `{path}`; stop it, or name another path")
