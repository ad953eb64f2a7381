"""How ids of runs are spelled in the store: a UUID takes 16 bytes, any other text follows a `=`."""

import re
from typing import Final

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_SHORT: Final = 15  # with one `=` it would be as long as a UUID


def ref_of(run_id: str) -> bytes:
    """The id as the store has it."""
    if len(run_id) == 36 and _UUID(run_id) is not None:
        return bytes.fromhex(run_id.replace("-", ""))
    text = run_id.encode()
    return (b"==" if len(text) == _SHORT else b"=") + text


def id_of(ref: bytes) -> str:
    """The id as users have it."""
    if len(ref) == 16:
        digits = ref.hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    return ref.lstrip(b"=").decode()
