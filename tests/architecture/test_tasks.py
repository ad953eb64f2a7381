"""Tasks that the library begins for code of a run, and for others with it, are no tasks of that run."""

import ast

from tests.architecture.source import Module, modules

REACHED = ("backends/", "app/", "engine/batcher.py", "engine/events.py", "engine/host.py", "engine/lines.py")
OWN = {  # begun by who starts a worker, and ended with it
    "src/penstock/app/schedules_static.py",
    "src/penstock/app/working.py",
}


def begun(module: Module) -> list[str]:
    """Calls that make a task in whatever context is current."""
    return [
        f"{module.where}:{node.lineno}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"create_task", "ensure_future"}
    ]


def test_what_code_of_a_run_can_reach_begins_tasks_aside() -> None:
    """In the context of a workflow's code they would be taken for its branches, and be cancelled with these."""
    reached = [
        module for module in modules() if module.where.startswith(tuple(f"src/penstock/{part}" for part in REACHED))
    ]
    assert reached
    assert [found for module in reached if module.where not in OWN for found in begun(module)] == []
