"""Addresses that webhooks and sources may have: public ones, and private ones that the installation allows.

The name is resolved once and the connection goes to that address, so that a name that answers otherwise the
second time (DNS rebinding) leads nowhere else.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from grid.errors import GridError

MAX_URL = 2_000
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


class AddressRefused(GridError):
    """An address that this installation does not send to or fetch from."""


@dataclass(frozen=True)
class Target:
    """A checked address: connect to ``address``, name ``host``."""

    scheme: str
    host: str
    port: int
    address: str
    path: str


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host name, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


def split_url(url: str) -> SplitResult:
    """Split the URL of a webhook or a source.

    Raises
    ------
    AddressRefused
        It is no ``https://`` or ``http://`` URL with a host, or holds a login or a fragment.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise _refused(f"url: {error}", "网址无效") from error
    if (
        len(url) > MAX_URL
        or not url.isprintable()
        or any(letter.isspace() or letter == "\\" for letter in url)
    ):
        raise _refused(f"url: at most {MAX_URL} printable characters, no blanks", "网址含空白或过长")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise _refused("url: https://host/path is needed", "网址应为 https://主机/路径")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _refused("url: no login and no fragment in it", "网址不得含账号或片段")
    return parts


def target_of(
    url: str,
    allowed: Sequence[IpNetwork],
    resolve: Resolver = resolved,
    setting: str = "WANGGE_WEBHOOK_NETWORKS",
) -> Target:
    """Resolve the host of a webhook or a source, once, and check every address that it has.

    Parameters
    ----------
    allowed : sequence of networks
        Private networks that this installation sends to, or fetches from.
    setting : str
        The setting that names them, for the message.

    Raises
    ------
    AddressRefused
        One of the addresses is private, loopback, link-local, reserved or multicast and not allowed, or the URL
        is plain http to a public address.
    OSError
        The name has no address.
    """
    parts = split_url(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = list(resolve(host, port))
    if not addresses:
        raise OSError(f"{host} has no address")
    inside = [_is_allowed(address, allowed) for address in addresses]
    for address, in_allowed in zip(addresses, inside, strict=True):
        if not (in_allowed or _is_public(address)):
            raise _refused(
                f"{host}: {address} is no public address; {setting} allows private ones",
                f"{host}：{address} 不是公网地址，如需内网请设置 {setting}",
            )
    if parts.scheme == "http" and not all(inside):
        raise _refused(f"{host}: a public address needs https", f"{host}：公网地址须用 https")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, addresses[0], path)


def refuse_private_host(url: str, allowed: Sequence[IpNetwork]) -> None:
    """Refuse the URL of a webhook whose host is an address, or this machine, that nothing would be sent to.

    Hosts with a name are checked at each sending, as their addresses change.

    Raises
    ------
    AddressRefused
        As :func:`target_of`.

    Examples
    --------
    >>> refuse_private_host("https://10.0.0.7/hook", [ipaddress.ip_network("10.0.0.0/8")])
    >>> refuse_private_host("https://localhost/hook", [])
    Traceback (most recent call last):
    ...
    geo_api.sharing.addresses.AddressRefused: localhost: 127.0.0.1 is no public address; ...
    """
    host = split_url(url).hostname or ""
    written = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else host
    try:
        address = str(ipaddress.ip_address(written))
    except ValueError:
        return
    target_of(url, allowed, lambda _host, _port: [address])


def networks(listed: str) -> list[IpNetwork]:
    """Read networks with commas between."""
    return [ipaddress.ip_network(one.strip()) for one in listed.split(",") if one.strip()]


def _plain(address: str) -> IpAddress:
    """Return an address as the one that it reaches: IPv4 inside of IPv6 is that IPv4."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found.sixtofour is not None:
            return found.sixtofour
        if found in _TRANSLATED or int(found) >> 32 == 0:
            return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found


def _is_public(address: str) -> bool:
    plain = _plain(address)
    return plain.is_global and not (plain.is_multicast or plain.is_reserved)


def _is_allowed(address: str, allowed: Sequence[IpNetwork]) -> bool:
    plain = _plain(address)
    return any(plain in network for network in allowed if network.version == plain.version)


def _refused(message_en: str, message_zh: str) -> AddressRefused:
    return AddressRefused(message_en, message_zh)
