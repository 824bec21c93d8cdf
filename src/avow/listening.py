"""Which public addresses does this process listen on? The private server must answer: none.

Reads the kernel's own tables (Linux, proc(5)). Where there are none it answers None: could not check.
"""

import ipaddress
from pathlib import Path
from typing import Final

_LISTEN: Final = "0A"  # the state TCP_LISTEN in proc(5)
_PROC: Final = Path("/proc/self")


def public_addresses(proc: Path = _PROC) -> tuple[str, ...] | None:
    """Addresses, as `host:port`, on which this process accepts connections from beyond this machine's own networks.

    Loopback and private addresses (RFC 1918, RFC 4193) are not public; every unspecified address is.
    """
    if not (proc / "net/tcp").exists():
        return None
    own = _sockets(proc / "fd")
    found = []
    for table in ("tcp", "tcp6"):
        path = proc / "net" / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            if fields[3] == _LISTEN and fields[9] in own:
                host, port = _address(fields[1])
                host = getattr(host, "ipv4_mapped", None) or host
                if host.is_unspecified or not (host.is_loopback or host.is_private):
                    found.append(f"{host}:{port}")
    return tuple(found)


def _sockets(folder: Path) -> set[str]:
    inodes = set()
    for entry in folder.iterdir():
        try:
            target = str(entry.readlink())
        except OSError:  # closed while we looked
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    return inodes


def _address(field: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]:
    """The kernel prints addresses as hexadecimal words in its own byte order (little-endian here)."""
    host, _, port = field.partition(":")
    raw = bytes.fromhex(host)
    words = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    return ipaddress.ip_address(words), int(port, 16)
