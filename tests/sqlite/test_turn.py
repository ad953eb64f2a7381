"""Whose turn it is to write: one at a time, in order, and nobody waits for the dead."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from penstock.backends.sqlite.turn import Turn


def turn_in(folder: Path) -> Turn:
    turn = Turn(folder)
    turn.open()
    return turn


def test_one_has_it_at_a_time(tmp_path: Path) -> None:
    one, other = turn_in(tmp_path / "turn"), turn_in(tmp_path / "turn")
    assert one.take(0)
    assert not other.take(0)
    one.give()
    assert other.take(0)
    other.give()
    one.close()
    other.close()


def test_who_waits_gets_it_before_who_comes_back(tmp_path: Path) -> None:
    """The one that has just given it is not at once the next."""
    one, other = turn_in(tmp_path / "turn"), turn_in(tmp_path / "turn")
    assert one.take(0)
    got = threading.Event()

    def wait() -> None:
        if other.take(10):
            got.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    while not _somebody_queues(tmp_path / "turn"):
        pass
    one.give()
    assert got.wait(10)
    assert not one.take(0)
    waiter.join()
    other.give()
    one.close()
    other.close()


def _somebody_queues(folder: Path) -> bool:
    probe = turn_in(folder)
    try:
        return not _free(probe)
    finally:
        probe.close()


def _free(probe: Turn) -> bool:
    try:
        fcntl.flock(probe._files[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    fcntl.flock(probe._files[0], fcntl.LOCK_UN)
    return True


def test_who_gave_up_does_not_keep_it(tmp_path: Path) -> None:
    one, other = turn_in(tmp_path / "turn"), turn_in(tmp_path / "turn")
    assert one.take(0)
    assert not other.take(0.05)
    one.give()
    third = turn_in(tmp_path / "turn")
    assert third.take(10)
    third.give()
    assert other.take(10)
    other.give()
    for turn in (one, other, third):
        turn.close()


def test_the_dead_have_no_turn(tmp_path: Path) -> None:
    held = (
        "import sys; from pathlib import Path; from penstock.backends.sqlite.turn import Turn\n"
        "turn = Turn(Path(sys.argv[1])); turn.open(); assert turn.take(0); print('held', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", held, str(tmp_path / "turn")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    mine = turn_in(tmp_path / "turn")
    assert not mine.take(0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert mine.take(10)
    mine.give()
    mine.close()
    process.stdout.close()
    assert process.stdin is not None
    process.stdin.close()


def test_a_forked_child_does_not_keep_its_parents_turn(tmp_path: Path) -> None:
    mine = turn_in(tmp_path / "turn")
    assert mine.take(0)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    os.close(read)
    mine.close()  # as when it dies
    other = turn_in(tmp_path / "turn")
    assert other.take(10)
    other.give()
    other.close()
    os.close(write)
    os.waitpid(child, 0)
