"""Whether an address of the network is one of everybody's, or leads into somebody's own. Knows no URL and no socket."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether it belongs to the open internet, in all the disguises that an IPv4 address can have in IPv6."""
    return all(_is_global(one) for one in (address, *_inside(address)))


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether it lies in one of the networks, disguised or not."""
    return any(one in network for one in (address, *_inside(address)) for network in networks)


def network_of(text: str) -> Network | None:
    """The network, or a single address as one; None for what is neither."""
    try:
        return ip_network(text)
    except ValueError:
        return None


def address_of(text: str) -> Address:
    """The address; its zone is left out."""
    return ip_address(text.partition("%")[0])


def _is_global(address: Address) -> bool:
    site = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not address.is_multicast and not site


def _inside(address: Address) -> list[Address]:
    """The IPv4 addresses to which an IPv6 address leads."""
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]
