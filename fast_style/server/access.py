"""Decide who may call the service: the token, the origins of pages, the names of the host."""

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from ..options import ServerOptions

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def trusted_hosts(options: ServerOptions) -> list[str]:
    """Return the values of the Host header to accept; * for all.

    A service on the loopback interface accepts its own names and --allowed-hosts: a page of a stranger whose domain
    name was pointed at 127.0.0.1 (DNS rebinding) has the same origin as the service, but another host. On other
    interfaces every name is accepted, unless --allowed-hosts lists some.
    """
    if not is_loopback(options.host) and not options.allowed_hosts:
        return ["*"]
    return [bracketed(host) for host in (*LOOPBACK_NAMES, options.host, *options.allowed_hosts)]


def bracketed(host: str) -> str:
    """Return a host as URLs and the Host header have it: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Return whether a service at this host is reached from its own machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_token(connection: HTTPConnection, token: str | None) -> None:
    """Raise HTTPException (401) for a request without the token."""
    if token is None:
        return
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        given = connection.query_params.get("token", "")
    if not hmac.compare_digest(given.strip().encode(errors="replace"), token.encode()):
        headers = {"WWW-Authenticate": "Bearer"}
        raise HTTPException(401, "a token is needed: send `Authorization: Bearer TOKEN` or ?token=TOKEN", headers)


def check_origin(connection: HTTPConnection, options: ServerOptions) -> None:
    """Raise HTTPException (403) for a call from a page of another origin that --cors does not allow.

    Programs send no Origin header. Behind a reverse proxy the host of the page is one of --allowed-hosts.
    """
    origin = connection.headers.get("origin")
    if origin is None or "*" in options.cors or origin in options.cors:
        return
    try:
        page = urlsplit(origin)
        own = page.netloc.lower() == connection.headers.get("host", "").lower()
        own = own or (page.hostname or "") in options.allowed_hosts
    except ValueError:  # no address: http://[
        own = False
    if not own:
        raise HTTPException(
            403,
            "pages of this origin may not call the service; fast-style serve --cors or --allowed-hosts allows them",
        )
