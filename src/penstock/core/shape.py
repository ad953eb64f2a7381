"""One annotated value, a result or a signal's payload, to bytes and back."""

import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from penstock.core import adapters, codec
from penstock.core.adapters import Adapted
from penstock.core.errors import InvalidInput, OutputError, PenstockError
from penstock.core.hints import Annotation, Hint, hint

# a text for one of these, or one of these for a text, would pass through JSON and come out as something else
_NOT_TEXT: Final = (bytes, bytearray, memoryview, datetime, date, time, timedelta, uuid.UUID, Decimal)


def check_type(value: object, annotated: Hint) -> None:
    """Raises `msgspec.ValidationError` if the value is not of the annotated type, though its JSON would be read so."""
    msgspec.convert(value, annotated.form, builtin_types=_NOT_TEXT, dec_hook=adapters.load)


class Shape:
    """What values of one annotation look like stored. Made once: raises `Invalid` if they could not be read back."""

    def __init__(self, annotation: Annotation, parameter: str, *, output: bool = False) -> None:
        self._hint = hint(annotation, parameter)
        self._parameter = parameter
        self._output = output
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self._hint.form, dec_hook=adapters.load)

    def encode(self, value: object, *, limit: int = codec.LIMIT) -> bytes:
        """The value's bytes. An input is checked against the annotation; an output only for a form in JSON.

        Raises `InvalidInput` or `PayloadTooLarge`; for outputs `OutputError`.
        """
        try:
            plain = value if self._hint.adapted is None else self._hint.adapted.dump(value)
            data = codec.encode(plain, floats=self._hint.floats, sets=self._hint.sets)
        except Exception as error:  # encoding runs code of the value's class, which may raise anything
            raise self._refusal(value, str(error)) from error
        if self._output:
            if len(data) > limit:
                raise self._refusal(value, f"it takes {len(data):,} bytes encoded, the limit is {limit:,}")
            return data
        codec.check_size(data, self._parameter, limit)
        self._check(value, plain, data)
        return data

    def decode(self, data: bytes) -> Any:
        """The value behind the bytes. Raises `InvalidInput`, or for outputs `OutputError`, if they don't fit."""
        try:
            value = self._decoder.decode(data)
        except Exception as error:  # decoding runs code of the annotated class, which may raise anything
            raise self._refusal(codec.STORED, str(error)) from error
        return value.value if isinstance(value, Adapted) else value

    def schema(self) -> adapters.Schema:
        """The JSON Schema of the values."""
        return codec.schema(self._hint.form)

    def _check(self, value: object, plain: object, data: bytes) -> None:
        if self.decode(data) != value:
            try:
                check_type(plain, self._hint)
            except msgspec.ValidationError as error:
                raise self._refusal(value, str(error)) from error

    def _refusal(self, value: object, reason: str) -> PenstockError:
        if self._output:
            return OutputError(f"{self._parameter} can't be stored or read as annotated: {reason}")
        return InvalidInput(self._parameter, value, reason)
