"""Print the life of a run as a Mermaid state diagram, made from MOVES: the docs show it, a test compares."""

import sys

from penstock.core.state import MOVES, State


def name(state: State | None) -> str:
    """A state as the diagram names it; no state at all, before and after a run's life, is a dot."""
    return "[*]" if state is None else state.value


def mermaid() -> str:
    """The diagram: one arrow for each pair of states, labelled with every operation that makes the move."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for operation, moves in MOVES.items():
        for before, afterwards in moves.items():
            for after in sorted(afterwards, key=name):
                if before is not after:
                    arrows.setdefault((name(before), name(after)), []).append(operation)
    body = [f"    {before} --> {after}: {', '.join(names)}" for (before, after), names in arrows.items()]
    return "\n".join(["stateDiagram-v2", *body, ""])


def main() -> None:
    sys.stdout.write(mermaid())


if __name__ == "__main__":
    main()
