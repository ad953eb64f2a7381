"""The form of every record that crosses the contract: frozen, by keyword, compared by value."""

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen record. Moments are unix seconds and end in `_at`; durations are seconds; payloads are opaque bytes."""
