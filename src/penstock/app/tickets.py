"""Signed texts that open one door for a while: a ticket sends one signal once, a pass reads one run's stream.

Nothing is stored for them: what they may do stands in them, signed; that a ticket was used stands in the run's mailbox.
Know no run.
"""

import base64
import hashlib
import hmac
import os
import time
from binascii import Error as NotBase64
from typing import Final, Generic, TypeVar

import msgspec

from penstock.core import ids
from penstock.core.errors import Invalid
from penstock.models.waits import sent_for

LONGEST: Final = 90 * 86_400.0  # seconds for which a ticket may be good
_MAC: Final = 32  # bytes

S = TypeVar("S", bound=msgspec.Struct)


class Ticket(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What its bearer may do: send this signal to this run, once, until then."""

    run_id: str
    signal: str
    expires_at: float
    once: str


def sent_by(ticket: Ticket, value: object) -> tuple[object, str | None]:
    """What goes into the mailbox for a ticket that is used with this value, and under which `once`."""
    return sent_for(ticket.signal, value, ticket.once)


class Pass(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What its bearer may read: the stream of this run, until then."""

    run_id: str
    expires_at: float


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket, and the address to which its bearer posts the payload. Whoever has it may use it, once."""

    ticket: str
    url: str  # whole where it is known by which URL the server is reached
    run_id: str
    signal: str
    expires_at: float


class _Seal(Generic[S]):
    """Signs records of one kind and reads them again, with a secret that all processes of a site share."""

    def __init__(self, what: bytes, secret: str, kind: type[S]) -> None:
        if len(secret) < 16:
            raise Invalid("secret", "***", "a text of at least 16 characters, which nobody can guess")
        self._key = hashlib.sha256(b"penstock " + what + b"\0" + secret.encode()).digest()
        self._kind = kind

    def text(self, record: S) -> str:
        said = msgspec.msgpack.encode(record)
        return base64.urlsafe_b64encode(self._mac(said) + said).rstrip(b"=").decode()

    def read(self, text: str) -> S | None:
        """What the text says; None for one that we have not made."""
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (NotBase64, ValueError):
            return None
        if not hmac.compare_digest(data[:_MAC], self._mac(data[_MAC:])):
            return None
        return msgspec.msgpack.decode(data[_MAC:], type=self._kind)

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, "sha256")


def secret_of(said: str | None) -> str:
    """The secret, or that of the environment. Raises `Invalid` if there is none."""
    secret = said or os.environ.get("PENSTOCK_SECRET")
    if not secret:
        raise Invalid("secret", None, "what tickets are signed with: say secret=, or set PENSTOCK_SECRET")
    return secret


class Tickets:
    """Makes tickets and reads them."""

    def __init__(self, secret: str) -> None:
        self._seal = _Seal(b"ticket", secret, Ticket)

    def make(self, run_id: str, signal: str, seconds: float) -> tuple[str, Ticket]:
        """A new ticket, as text and as what it says."""
        ticket = Ticket(run_id=run_id, signal=signal, expires_at=time.time() + seconds, once=ids.new_token())
        return self._seal.text(ticket), ticket

    def read(self, text: str) -> Ticket | None:
        """What the ticket says; None for one that we have not made, or that is over."""
        ticket = self._seal.read(text)
        return ticket if ticket is not None and time.time() < ticket.expires_at else None


def link(maker: Tickets, run_id: str, signal: str, seconds: float, public_url: str | None = None) -> Link:
    """A new ticket with its address. Without `public_url` that of the environment."""
    text, made = maker.make(run_id, signal, seconds)
    base = (public_url or os.environ.get("PENSTOCK_PUBLIC_URL") or "").rstrip("/")
    url = f"{base}/api/v1/tickets/{text}"
    return Link(ticket=text, url=url, run_id=run_id, signal=signal, expires_at=made.expires_at)


class Passes:
    """Makes passes and checks them."""

    def __init__(self, secret: str) -> None:
        self._seal = _Seal(b"pass", secret, Pass)

    def make(self, run_id: str, seconds: float) -> tuple[str, float]:
        """A new pass as text, and when it is over."""
        over = time.time() + seconds
        return self._seal.text(Pass(run_id=run_id, expires_at=over)), over

    def opens(self, text: str, run_id: str) -> bool:
        """Whether it is ours, for this run, and not over."""
        found = self._seal.read(text)
        return found is not None and found.run_id == run_id and time.time() < found.expires_at
