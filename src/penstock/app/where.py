"""Where an app's runs are, and what this process does with them: as the code says, else as the environment says when
the app is opened. Makes stores, and opens none.
"""

import os
from typing import Final, Literal, NamedTuple, TypeAlias

from penstock.backends import DEFAULT_URL, address_of, open_store
from penstock.core.errors import Invalid
from penstock.core.names import check_name
from penstock.ports.store import Store

Mode: TypeAlias = Literal["both", "enqueue", "work"]
MODES: Final = ("both", "enqueue", "work")


class Setting(NamedTuple):
    """What is in force."""

    url: str
    namespace: str
    mode: Mode


class Where:
    """What was said, checked at once; and what that means, which the environment may say until the app is opened.

    `source`: a URL, or something of the caller's that leads to a store: its address is read, and nothing else used.
    """

    def __init__(self, source: object = None, namespace: str | None = None, mode: Mode | None = None) -> None:
        self._source = source
        self._url = None if source is None else address_of(source)
        self._namespace = None if namespace is None else check_name(namespace, "namespace")
        self._mode: Mode | None = None if mode is None else _checked_mode(mode)
        self._in_force: Setting | None = None
        self._only: Store | None = None  # one for all loops: it is in this process alone
        if source is not None:
            open_store(source, namespace=self._namespace or "penstock")  # opens nothing; refuses what is wrong with it
        _ = self.mode

    @property
    def setting(self) -> Setting:
        """What is in force; before the app was opened, what would be now. Raises `Invalid` for what is refused."""
        if self._in_force is not None:
            return self._in_force
        environment = os.environ
        return Setting(
            url=environment.get("PENSTOCK_URL") or DEFAULT_URL if self._url is None else self._url,
            namespace=self._namespace or check_name(environment.get("PENSTOCK_NAMESPACE") or "penstock", "namespace"),
            mode=self._mode or _checked_mode(environment.get("PENSTOCK_MODE") or "both"),
        )

    @property
    def url(self) -> str:
        return self.setting.url

    @property
    def namespace(self) -> str:
        return self.setting.namespace

    @property
    def mode(self) -> Mode:
        return self.setting.mode

    def make(self) -> Store:
        """A store that is not open, one for each loop. From now on the environment is not asked any more."""
        setting = self.setting
        store = self._only
        if store is None:
            store = open_store(setting.url if self._source is None else self._source, namespace=setting.namespace)
        if setting.url.startswith("memory:"):
            self._only = store
        self._in_force = setting
        return store

    def forget(self) -> None:
        """The app is closed: what was only in this process is gone, and the environment is asked again."""
        self._only = self._in_force = None


def _checked_mode(mode: object) -> Mode:
    if mode not in MODES:
        raise Invalid("mode", mode, f"one of {', '.join(MODES)}")
    return mode
