"""A served app in a process of its own: a socket, uvicorn around it, and a stop that ends the streams first."""

import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import uvicorn

from penstock.core.errors import Invalid
from penstock.web.access import is_loopback
from penstock.web.site import Site

GRACE: Final = 10  # seconds for requests to be answered after a stop
IDLE: Final = 20  # seconds after which a silent connection is closed
HEADERS: Final = 32_768  # bytes of a request's head


def bind(host: str, port: int, *, token: str | None) -> socket.socket:
    """A socket to serve from. Raises `Invalid` where others could reach it without a token, or if it is taken."""
    if token is None and not is_loopback(host):
        allowed = "from other machines it is reached with a token only: give --token-file FILE, or PENSTOCK_WEB_TOKEN"
        raise Invalid("host", host, allowed)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        raise Invalid("port", port, f"it can't be bound on {host}: {error}") from error


class Server(uvicorn.Server):
    """Serves one site until it is told to stop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        super().__init__(
            uvicorn.Config(
                site,
                lifespan="off",  # whoever made the site has opened its app
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=GRACE,
                h11_max_incomplete_event_size=HEADERS,
                http="h11",
                ws="none",
            )
        )

    def stop(self) -> None:
        """Answer what has been asked, end the streams, and return from `serve`; asked twice: at once."""
        self._site.streams.end()
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the business of whoever serves."""
        yield
