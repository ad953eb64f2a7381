"""Give drawings of blueprints to the real Mermaid, odd texts in them: each must be read, and have its nodes and edges.

`make mermaid` installs Mermaid with npm and calls this; the folder it is installed in is the argument.
"""

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from penstock import Blueprint, Edge, Node, NodeConfig
from penstock.models.graph.mermaid import said_of

ODD: Final = ['"', "'", "`", "[", "]", "{", "}", "(", ")", "|", "<", ">", ";", "#", "&", "%%", "-->", "\\", "\n", "end",
              "subgraph", "ä", "\U0001f600", "#quot;", "&amp;", "$", "~", "@", "*", "_", "=", "::", "style:",
              "classDef a:", "click", " "]  # fmt: skip
IDS: Final = [
    "end",
    "subgraph",
    "graph",
    "flowchart",
    "style",
    "class",
    "click",
    "default",
    "o",
    "x",
    "TD",
    "a-b",
    "_",
    "1",
]


def blueprint(chance: random.Random) -> Blueprint:
    """One whose every text may hold anything: it is drawn, and not checked."""
    ids = chance.sample(IDS, chance.randint(2, 8))
    kinds = ["task", "wait", "sleep", "loop", "batch", "subgraph", "webhook"]
    nodes = [Node(id=one, uses=chance.choice(kinds)) for one in ids]
    if len(ids) > 3:
        nodes[0] = Node(id=ids[0], uses="task", config=NodeConfig(fallback=ids[-1]))

    def odd() -> str | None:
        return "".join(chance.choices(ODD, k=chance.randint(1, 12))) if chance.random() < 0.7 else None

    edges = [
        Edge(source=chance.choice(ids), target=chance.choice(ids), action=odd(), when=odd(), transform=odd())
        for _ in range(chance.randint(1, 10))
    ]
    return Blueprint(id="drawn", nodes=tuple(nodes), edges=tuple(edges))


def decoded(label: str) -> str:
    """What Mermaid shows for it: it keeps entities in a form of its own until it draws."""
    text = re.sub(r"ﬂ°°(\d+)¶ß", lambda found: chr(int(found[1])), label)
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text)


def shown(label: str) -> str:
    """Without what no drawing shows: controls, and blanks at the ends."""
    return "".join(one for one in label if one.isprintable()).strip()


def main(folder: str) -> None:
    chance = random.Random(1)
    plans = [blueprint(chance) for _ in range(300)]
    drawings = [plan.to_mermaid() for plan in plans]
    program = ["node", str(Path(__file__).with_suffix(".mjs")), folder]
    done = subprocess.run(program, input=json.dumps(drawings), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"Mermaid refuses this drawing:\n{done.stderr}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    for plan, seen in zip(plans, found, strict=True):
        labels = [one.id if one.id == one.uses else f"{one.id}: {one.uses}" for one in plan.nodes]
        assert sorted(map(decoded, seen["nodes"])) == sorted(labels), (plan.to_mermaid(), seen["nodes"])
        said = [said_of(edge) for edge in plan.edges]
        said += ["if it fails" for one in plan.nodes if one.config.fallback]
        drawn, meant = sorted(map(shown, map(decoded, seen["edges"]))), sorted(map(shown, said))
        assert drawn == meant, set(drawn) ^ set(meant)
    print(f"Mermaid reads all {len(plans)} drawings, with their nodes, edges and labels")


if __name__ == "__main__":
    main(sys.argv[1])
