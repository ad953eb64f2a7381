"""For tests of programs that use Penstock. `app.testing()` gives a rehearsal; here are the names for annotations."""

from penstock.app.rehearsal import Rehearsal

__all__ = ["Rehearsal"]
