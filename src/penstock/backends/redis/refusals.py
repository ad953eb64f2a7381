"""What error replies mean: what to ask again, and the typed error for the rest. Knows no operation."""

import re
from typing import Final

from penstock.backends.redis.wire import ErrorReply
from penstock.core.errors import Invalid, PenstockError, Unavailable

# The server does not serve now, and has changed nothing: it loads its data, obeys somebody else's endless script, ...
SOON: Final = frozenset({"LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "NOREPLICAS", "MISCONF", "ASTRAY"})
# The same, but another server may: this one is a replica, or was made one.
ELSEWHERE: Final = frozenset({"READONLY", "MASTERDOWN"})

_IN_SCRIPT: Final = re.compile(
    r"@user_script: ?\d+: -?([A-Z]{2,}) "
)  # how 6.2 wraps what a command in a script was told
_ASTRAY: Final = (
    "attempted to access a non local key"  # in a slot that is moving: scripts read such keys before they write
)

_ADVICE: Final = {
    "LOADING": "it is loading its data",
    "BUSY": "somebody's script runs for very long",
    "TRYAGAIN": "the slot is moving to another node",
    "ASTRAY": "the slot is moving to another node",
    "MOVED": "the slot moves on and on",
    "ASK": "the slot moves on and on",
    "CLUSTERDOWN": "the cluster has no node for this slot",
    "NOREPLICAS": "it has fewer replicas than min-replicas-to-write asks for",
    "MISCONF": "it can't save its data: see its log",
    "READONLY": "it is a replica: name the primary",
    "MASTERDOWN": "it is a replica that has lost its primary",
    "OOM": "it has no memory left: let workers drain it, or raise maxmemory",
}

_RIGHTS: Final = {
    "NOAUTH": "the server asks for a password",
    "WRONGPASS": "the server does not know this user or password",
    "NOPERM": "the user may not do what is needed",
    "DENIED": "the server lets nobody in from here",
}


class ScriptFailed(PenstockError):  # noqa: N818 (the names of errors say what happened)
    """A script was refused by the server for a reason that should not be: a fault, or somebody else's keys."""

    def __init__(self, script: str, text: str) -> None:
        advice = (
            "another program uses keys of this namespace: give Penstock a namespace, or a database, of its own"
            if "WRONGTYPE" in text
            else "report it"
        )
        super().__init__(f"the script {script} failed: {text}; {advice}")
        self.script = script
        self.text = text


def word(reply: ErrorReply) -> str:
    """Why it was refused, in one word; inside a script too, on every version."""
    if _ASTRAY in reply.text:
        return "ASTRAY"
    inner = _IN_SCRIPT.search(reply.text)
    return inner[1] if inner is not None else reply.code


def error(reply: ErrorReply, asked: str, where: str) -> PenstockError:
    """The typed error for what is not asked again. `asked`: the name of the script or command."""
    said = word(reply)
    if said in _ADVICE:
        return Unavailable(f"Redis at {where}: {_ADVICE[said]} ({reply.text})", applied="no")
    if said in _RIGHTS:
        return Invalid("url", where, f"{_RIGHTS[said]}: {reply.text}")
    return ScriptFailed(asked, reply.text)
