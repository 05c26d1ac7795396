"""A page's state in a URL: which settings a link carries, and how they are read and written."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import param

from kvviz.catalog.gpus.shipped import find_gpu
from kvviz.catalog.models.shipped import find_model
from kvviz.catalog.names import UnknownName
from kvviz.engines.registry import find_engine
from kvviz.pages.kit.session import PageSession
from kvviz.settings.knobs import RENAMED, KnobError, cut, read, renamed
from kvviz.settings.scenario import as_set

S = TypeVar("S", bound=PageSession)
UNSET: Final = "auto"  # how a link spells a setting that is left to what is known
Pairs = Iterable[tuple[str, str]]
CATALOG: Final[Mapping[str, Callable[[str], str]]] = {
    "model": lambda name: find_model(name).name,
    "gpu": lambda name: find_gpu(name).name,
    "mode": lambda name: find_engine(name).name,
}


@dataclass(frozen=True)
class Carried:
    """Settings of one class that a page's links carry.

    Args:
        of: the class that declares them.
        owner: the session's attribute that holds them, empty where the session itself does.
        names: of the settings.
        usual: values on a plain visit, where they are not the declared defaults.
        find: by setting, what a value stands for; raises `UnknownName` or `KnobError` for none.
        private: by setting, the owner's values that stay with their visitor.
        written: whether links are given them here; the browser adds some by itself.
    """

    of: type[param.Parameterized]
    owner: str
    names: tuple[str, ...]
    usual: Mapping[str, Any] = field(default_factory=dict)
    find: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    private: Mapping[str, Callable[[Any], Collection[Any]]] = field(default_factory=dict)
    written: bool = True

    def value(self, name: str, text: str) -> Any:
        """Return what the text of a setting means; raises `KnobError` or `UnknownName`."""
        if text == UNSET and self.of.param[name].allow_None:
            return None
        found = read(name, text, self.of)
        return self.find[name](found) if name in self.find else found

    def query(self, settings: Any) -> dict[str, str]:
        """Return the settings that differ from a plain visit's, as a URL spells them."""
        usual = {name: self.of.param[name].default for name in self.names} | dict(self.usual)
        values = {name: as_set(settings, name) for name in self.names}
        kept = {name: own(settings) for name, own in self.private.items()}
        return {
            name: _spelled(value)
            for name, value in values.items()
            if value != usual[name] and value not in kept.get(name, ())
        }


THEME: Final = Carried(PageSession, "", ("theme",), written=False)


@dataclass(frozen=True)
class Given:
    """What a link asks for.

    Args:
        settings: by the class that declares them.
        problems: a sentence for each pair that is not valid.
    """

    settings: Mapping[type[param.Parameterized], Mapping[str, Any]]
    problems: tuple[str, ...]

    def of(self, *declared: type[param.Parameterized]) -> dict[str, Any]:
        """Return the settings of some classes by their names."""
        return {name: v for each in declared for name, v in self.settings.get(each, {}).items()}

    def session(self, kind: type[S]) -> S:
        """Return the session of a page whose links carry settings of the session alone."""
        return kind(**self.of(kind) | self.visit)

    @property
    def visit(self) -> dict[str, Any]:
        """What every session opens with: its theme, and the problems of its link."""
        return self.of(PageSession) | {"problem": " ".join(self.problems)}


class Link:
    """How a page's state is read from a URL's query and written to one; the theme is in each."""

    def __init__(self, *carried: Carried) -> None:
        self.carried = (*carried, THEME)
        self._homes = {name: each for each in self.carried for name in each.names}

    def read(self, pairs: Pairs) -> Given:
        """Return what a query asks for; invalid parts are left out and named."""
        settings: dict[type[param.Parameterized], dict[str, Any]] = {}
        problems: list[str] = []
        for given, text in pairs:
            name = RENAMED.get(given, given)
            if name not in self._homes:
                problems.append(f"{cut(given)} in the link is not a setting of this page.")
                continue
            if name != given:
                problems.append(f"{renamed(given)} The link still works.")
            try:
                value = self._homes[name].value(name, text)
            except KnobError as error:
                problems.append(f"{name} in the link: {error}.")
            except UnknownName as error:
                problems.append(str(error))
            else:
                settings.setdefault(self._homes[name].of, {})[name] = value
        return Given(settings, tuple(problems))

    def write(self, session: PageSession) -> dict[str, str]:
        """Return the query of a link to the session: all that differs from the defaults."""
        query: dict[str, str] = {}
        for each in self.carried:
            if each.written:
                query |= each.query(getattr(session, each.owner) if each.owner else session)
        return query

    def of(self, declared: type[param.Parameterized]) -> Carried:
        """Return the settings of one class that links carry."""
        return next(each for each in self.carried if each.of is declared)


def _spelled(value: Any) -> str:
    if value is None:
        return UNSET
    return str(value).lower() if isinstance(value, bool) else str(value)
