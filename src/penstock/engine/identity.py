"""Who a worker is: a name for people, and a nonce so that no two processes, nor two lives of one, are ever confused."""

import os
import secrets
import socket


def new_identity(name: str) -> str:
    """A name that no worker had before: given name, host, process id, nonce."""
    host = socket.gethostname().partition(".")[0][:40] or "host"
    return f"{name}@{host}:{os.getpid()}:{secrets.token_hex(4)}"
