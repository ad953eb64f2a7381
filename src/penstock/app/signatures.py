"""Bodies signed with a shared secret and a moment, as they travel between services: `Penstock-Signature`."""

import hmac


def signature(secret: bytes, at: int, body: bytes) -> str:
    """What a sender writes into `Penstock-Signature`."""
    return f"t={at},v1={hmac.digest(secret, b'%d.' % at + body, 'sha256').hex()}"


def signed(secret: bytes, header: str, body: bytes, *, now: float, tolerance: float = 300.0) -> bool:
    """Whether the header signs this body with our secret, lately."""
    moment = header.partition(",")[0].removeprefix("t=")
    if not moment.isascii() or not moment.isdigit() or len(moment) > 12 or abs(now - int(moment)) > tolerance:
        return False
    return hmac.compare_digest(signature(secret, int(moment), body).encode(), header.encode())
