"""From words to a tree, by recursive descent: the whole grammar on one page. Refuses what the subset leaves out."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from penstock.models.graph.cel import syntax
from penstock.models.graph.cel.fault import DEEPEST, Wrong
from penstock.models.graph.cel.syntax import Expression
from penstock.models.graph.cel.tokens import HIGHEST, RESERVED, Token, words

FUNCTIONS: Final = {"size": (1,), "string": (1,), "int": (1,), "double": (1,)}
METHODS: Final = {"size": (1,), "contains": (2,), "startsWith": (2,), "endsWith": (2,)}
MACROS: Final = {"all": (2,), "exists": (2,), "exists_one": (2,), "filter": (2,), "map": (2, 3)}
_RELATIONS: Final = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})
_LEFT_OUT: Final = {
    "matches": "regular expressions are left out: their work has no bound",
    "timestamp": "moments are left out: compare unix seconds",
    "duration": "durations are left out: compare seconds",
    "uint": "there are no unsigned numbers here: say int()",
    "bytes": "there are no byte strings here",
    "dyn": "dyn() says nothing here: all values are dynamic",
    "type": "types are no values here",
}


def parse(text: str, variables: Collection[str]) -> Expression:
    """The expression's tree. Raises `Wrong` at what is not in the language, or names no variable of these."""
    return _Parser(text, variables).whole()


class _Parser:
    def __init__(self, text: str, variables: Collection[str]) -> None:
        self.rest = words(text)
        self.word = next(self.rest)
        self.variables = variables
        self.scope: list[str] = []  # of macros
        self.depth = 0

    def whole(self) -> Expression:
        found = self.expression()
        if self.word.kind != "end":
            raise self.unexpected("the end")
        return found

    def expression(self) -> Expression:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Wrong(f"it nests deeper than {DEEPEST} levels", self.word.at)
        found, at = self.alternative(), self.word.at
        if self.take("?"):
            so = self.alternative()
            self.need(":")
            found = syntax.Choice(found, so, self.expression(), at)
        self.depth -= 1
        return found

    def alternative(self) -> Expression:
        return self.balanced("||", lambda: self.balanced("&&", self.relation))

    def balanced(self, operator: str, operand: Callable[[], Expression]) -> Expression:
        """A chain of one operator that does not care for its order, as a tree of small depth."""
        parts, places = [operand()], list[int]()
        while self.is_symbol(operator):
            places.append(self.next().at)
            parts.append(operand())
        while len(parts) > 1:
            pairs = [syntax.Binary(operator, parts[i], parts[i + 1], places[i]) for i in range(0, len(parts) - 1, 2)]
            parts = [*pairs, *parts[len(pairs) * 2 :]]
            places = places[1::2]
        return parts[0]

    def relation(self) -> Expression:
        return self.chain(_RELATIONS, self.sum)

    def sum(self) -> Expression:
        return self.chain(frozenset({"+", "-"}), lambda: self.chain(frozenset({"*", "/", "%"}), self.unary))

    def chain(self, operators: frozenset[str], operand: Callable[[], Expression]) -> Expression:
        """From left to right; each link is a level, so that evaluation has a bounded depth."""
        found, before = operand(), self.depth
        while self.word.kind == "symbol" and self.word.text in operators:
            self.deeper()
            word = self.next()
            found = syntax.Binary(word.text, found, operand(), word.at)
        self.depth = before
        return found

    def unary(self) -> Expression:
        for operator in ("-", "!"):
            if self.is_symbol(operator):
                return self.prefixed(operator)
        return self.member()

    def prefixed(self, operator: str) -> Expression:
        """One or more of the same operator; the language does not mix them."""
        before, places = self.depth, list[int]()
        while self.is_symbol(operator):
            self.deeper()
            places.append(self.next().at)
        if operator == "-" and self.word.kind == "value" and self.word.value == HIGHEST + 1:
            lowest = -self.next().value  # the one number whose opposite has no literal
            found: Expression = syntax.Literal(lowest, places.pop())
        else:
            found = self.member()
        for at in reversed(places):
            found = syntax.Unary(operator, found, at)
        self.depth = before
        return found

    def member(self) -> Expression:
        found, before = self.primary(), self.depth
        while True:
            at = self.word.at
            if self.take("."):
                found = self.selected(found)
            elif self.take("["):
                found = syntax.Item(found, self.expression(), at)
                self.need("]")
            else:
                self.depth = before
                return found
            self.deeper()

    def selected(self, of: Expression) -> Expression:
        name = self.identifier("the name of a field or method")
        if not self.take("("):
            return syntax.Field(of, name.text, name.at)
        if name.text in MACROS:
            return self.macro(of, name)
        return self.called(name, METHODS, (of, *self.arguments()))

    def macro(self, over: Expression, name: Token) -> Expression:
        variable = self.identifier("a variable")
        if variable.text in RESERVED:
            raise Wrong(f"{variable.text} is a reserved word", variable.at)
        if variable.text in self.variables or variable.text in self.scope:
            raise Wrong(f"{variable.text} has a meaning already: choose another name", variable.at)
        self.need(",")
        self.scope.append(variable.text)
        parts = self.arguments()
        self.scope.pop()
        if 1 + len(parts) not in MACROS[name.text]:
            raise Wrong(f"{name.text}() takes a variable and {MACROS[name.text][-1] - 1} more", name.at)
        where = parts[0] if len(parts) == 2 else None
        return syntax.Macro(name.text, over, variable.text, parts[-1], name.at, where)

    def primary(self) -> Expression:
        word = self.word
        if word.kind == "value":
            if type(word.value) is int and word.value > HIGHEST:
                raise Wrong("a whole number has 64 bits", word.at)
            return syntax.Literal(self.next().value, word.at)
        if word.kind == "name":
            return self.named()
        if self.take("("):
            found = self.expression()
            self.need(")")
            return found
        if self.take("["):
            return syntax.ListOf(self.listed("]"), word.at)
        if self.take("{"):
            return syntax.MapOf(self.entries(), word.at)
        raise self.unexpected("a value")

    def named(self) -> Expression:
        word = self.next()
        if word.text in RESERVED:
            raise Wrong(f"{word.text} is a reserved word", word.at)
        if self.is_symbol("{"):
            raise Wrong("there are no messages here: a map is {...} alone", word.at)
        if not self.take("("):
            if word.text not in self.variables and word.text not in self.scope:
                known = ", ".join(sorted({*self.variables, *self.scope}))
                raise Wrong(f"{word.text} is not known here; known are {known}", word.at)
            return syntax.Name(word.text, word.at)
        if word.text == "has":
            return self.has(word)
        return self.called(word, FUNCTIONS, self.arguments())

    def has(self, word: Token) -> Expression:
        parts = self.arguments()
        if len(parts) != 1 or not isinstance(parts[0], syntax.Field):
            raise Wrong("has() asks for a field, as in has(output.score)", word.at)
        return syntax.Has(parts[0].of, parts[0].name, word.at)

    def called(
        self, name: Token, known: Mapping[str, tuple[int, ...]], arguments: tuple[Expression, ...]
    ) -> Expression:
        if name.text in _LEFT_OUT:
            raise Wrong(_LEFT_OUT[name.text], name.at)
        if name.text not in known:
            there = ", ".join(sorted({*known, *(MACROS if known is METHODS else {"has"})}))
            raise Wrong(f"there is no {name.text}() here; there are {there}", name.at)
        if len(arguments) not in known[name.text]:
            raise Wrong(f"{name.text}() takes another number of arguments", name.at)
        return syntax.Call(name.text, arguments, name.at)

    def arguments(self) -> tuple[Expression, ...]:
        """To the closing bracket; the opening one is read."""
        return self.listed(")")

    def listed(self, end: str) -> tuple[Expression, ...]:
        found: list[Expression] = []
        while not self.take(end):
            found.append(self.expression())
            if not self.take(","):
                self.need(end)
                break
        return tuple(found)

    def entries(self) -> tuple[tuple[Expression, Expression], ...]:
        found: list[tuple[Expression, Expression]] = []
        while not self.take("}"):
            key = self.expression()
            self.need(":")
            found.append((key, self.expression()))
            if not self.take(","):
                self.need("}")
                break
        return tuple(found)

    def identifier(self, what: str) -> Token:
        if self.word.kind != "name":
            raise self.unexpected(what)
        return self.next()

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Wrong(f"it nests deeper than {DEEPEST} levels", self.word.at)

    def next(self) -> Token:
        word = self.word
        if word.kind != "end":
            self.word = next(self.rest)
        return word

    def is_symbol(self, text: str) -> bool:
        return self.word.kind == "symbol" and self.word.text == text

    def take(self, text: str) -> bool:
        """Whether the next word is this one; if so, it is read."""
        if not self.is_symbol(text):
            return False
        self.next()
        return True

    def need(self, text: str) -> None:
        if not self.take(text):
            raise self.unexpected(text)

    def unexpected(self, wanted: str) -> Wrong:
        return Wrong(f"{wanted} is expected here, not {self.word.text}", self.word.at)
