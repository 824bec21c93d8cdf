"""An IP address -> one of five parts of the world: the Regional Internet Registry that its block was given to. Pure.

From IANA's registries of IPv4 /8 blocks and IPv6 global unicast blocks, which netaddr carries. Blocks that were sold on
to another part of the world since are counted where they came from.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from netaddr.ip import iana

from avow.visits.merging import OTHER

REGIONS: Final = {
    "whois.afrinic.net": "Africa", "whois.apnic.net": "Asia and the Pacific", "whois.arin.net": "North America",
    "whois.lacnic.net": "Latin America", "whois.ripe.net": "Europe and around",
}  # fmt: skip


def _tables() -> tuple[dict[int, str], list[tuple[int, int, str]]]:
    """First byte of an IPv4 address -> region; (bits that follow the prefix, prefix, region) of IPv6."""
    if not iana.IANA_INFO["IPv4"]:
        iana.load_info()
    four = {net.first >> 24: REGIONS.get(told["whois"], OTHER) for net, told in iana.IANA_INFO["IPv4"].items()}
    six = [
        (128 - net.prefixlen, net.first >> (128 - net.prefixlen), REGIONS[told["whois"]])
        for net, told in iana.IANA_INFO["IPv6_unicast"].items()
        if told["whois"] in REGIONS
    ]
    return four, sorted(six)  # the narrowest block first


class Regions:
    """Reads the registries once."""

    def __init__(self) -> None:
        self._four, self._six = _tables()

    def of(self, address: str) -> str:
        """The region; `OTHER` for what is none's, or no address."""
        try:
            found: IPv4Address | IPv6Address | None = ip_address(address)
        except ValueError:
            return OTHER
        if isinstance(found, IPv6Address):
            mapped = found.ipv4_mapped
            if mapped is None:
                number = int(found)
                return next((name for rest, prefix, name in self._six if number >> rest == prefix), OTHER)
            found = mapped
        return self._four.get(int(found) >> 24, OTHER) if found is not None else OTHER
