"""From MODULE:app on the command line to the App it names. Imports what the user typed, and nothing else by name."""

import os
import sys
import traceback
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from penstock.app.app import App
from penstock.cli.failures import NotLoaded
from penstock.cli.text import escaped, shortened

_LISTED: Final = 8


def load_app(target: str) -> App:
    """The App that MODULE:app names; the present folder is looked in first.

    Raises `NotLoaded`, which says what is wrong and what was found instead.
    """
    name, _, path = target.partition(":")
    if (
        not path
        or name.endswith(".py")
        or not all(part.isidentifier() for part in [*name.split("."), *path.split(".")])
    ):
        raise NotLoaded(target, f"say MODULE:APP, as in shop:app{_for_a_file(name)}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module = _imported(target, name)
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise NotLoaded(target, f"{_where(module)} has no {part}; {_apps_of(module)}")
        found = getattr(found, part)
    if not isinstance(found, App):
        raise NotLoaded(target, f"{path} in {_where(module)} is a {type(found).__name__}, no App; {_apps_of(module)}")
    return found


def _imported(target: str, name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            raise NotLoaded(
                target, f"no module {missing} in {Path.cwd()} or elsewhere on sys.path{_found()}"
            ) from error
        raise NotLoaded(target, f"{_place(error, name)} imports {missing}, which is not installed here") from error
    except (Exception, SystemExit) as error:  # the user's module may raise anything while it is imported
        said = shortened(str(error), 200)
        reason = f"importing {name} raised {type(error).__name__}: {said}, at {_place(error, name)}"
        raise NotLoaded(target, f"{reason}. --debug shows the traceback") from error


def _place(error: BaseException, name: str) -> str:
    """The last line of the user's own module on the way to the error."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)}:{error.lineno}"
    spec = find_spec(name.partition(".")[0])
    root = str(Path(spec.origin).parent) if spec is not None and spec.origin else str(Path.cwd())
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename.startswith(root + os.sep)]
    return f"{_short(frames[-1].filename)}:{frames[-1].lineno}" if frames else name


def _short(path: str) -> str:
    here = str(Path.cwd()) + os.sep
    return path.removeprefix(here)


def _where(module: ModuleType) -> str:
    return f"{module.__name__} ({_short(module.__file__ or 'built in')})"


def _apps_of(module: ModuleType) -> str:
    apps = [f"{module.__name__}:{name}" for name, value in vars(module).items() if isinstance(value, App)]
    return f"there is {', '.join(apps[:_LISTED])}" if apps else "there is no App in it"


def _for_a_file(name: str) -> str:
    if not name.endswith(".py"):
        return ""
    return f", not the name of a file: {'.'.join(Path(name).with_suffix('').parts)}:app"


def _found() -> str:
    """What could have been meant: the modules in the present folder."""
    here = sorted(
        path.stem
        for path in Path.cwd().iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
        if path.stem.isidentifier()
    )
    return f"; here are {escaped(', '.join(here[:_LISTED]))}" if here else ""
