"""The OpenAPI 3.1 document, made from the addresses themselves: what it says is what is checked. Knows no request."""

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from penstock.web.endpoint import ROOT, AnyEndpoint, Nothing
from penstock.web.problems import Problem

_REFERENCE: Final = "#/components/schemas/{name}"
_PROBLEM: Final = "application/problem+json"
_PLACEHOLDER: Final = re.compile(r"{(\w+)}")
_STREAM: Final = "text/event-stream"


def describe(endpoints: Sequence[AnyEndpoint], *, title: str, version: str, base: str, token: bool) -> dict[str, Any]:
    """The document. `base`: where the API is reached; `token`: whether it asks for one."""
    kinds = _Kinds(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        place = paths.setdefault(ROOT + endpoint.path, {})
        place[endpoint.method.lower()] = _operation(endpoint, kinds, token=token)
    _link(endpoints, paths)
    components: dict[str, Any] = {"schemas": kinds.parts}
    if token:
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": base or "/"}],
        "paths": paths,
        "components": components,
    }


def _link(endpoints: Sequence[AnyEndpoint], paths: dict[str, dict[str, Any]]) -> None:
    """Say which addresses can be asked next, with what an answer names."""
    for endpoint in endpoints:
        links = {
            other.name: {
                "operationId": other.name,
                "parameters": {name: f"$response.body#{place}" for name, place in endpoint.names.items()},
            }
            for other in endpoints
            if endpoint.names and set(other.parameters) == set(endpoint.names) and other is not endpoint
        }
        for status in endpoint.answers if links else ():
            paths[ROOT + endpoint.path][endpoint.method.lower()]["responses"][str(status)]["links"] = links


class _Kinds:
    """The schemas of all that is sent and received."""

    def __init__(self, endpoints: Iterable[AnyEndpoint]) -> None:
        kinds = list(dict.fromkeys([Problem, *(kind for one in endpoints for kind in _kinds_of(one))]))
        schemas, self.parts = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
        self._schemas = dict(zip(kinds, schemas, strict=True))

    def of(self, kind: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._schemas[kind]
        return found

    def fields(self, kind: Any) -> Iterator[tuple[str, dict[str, Any], bool]]:
        """Name, schema and need of each field of a struct."""
        schema = self.parts[self.of(kind)["$ref"].rpartition("/")[2]]
        for name, field in schema["properties"].items():
            yield name, _spoken(field), name in schema.get("required", ())


def _kinds_of(endpoint: AnyEndpoint) -> Iterator[Any]:
    yield endpoint.query
    yield endpoint.body
    if endpoint.raw is not None:
        yield endpoint.raw
    yield from endpoint.parameters.values()
    yield from endpoint.headers.values()
    yield from (kind for kind in endpoint.answers.values() if kind not in {None, _STREAM})


def _spoken(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: what may be left out is left out."""
    kinds = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) == 1:
        schema = {**{name: value for name, value in schema.items() if name != "anyOf"}, **kinds[0]}
    return {name: value for name, value in schema.items() if not (name == "default" and value is None)}


def _operation(endpoint: AnyEndpoint, kinds: _Kinds, *, token: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": list(_parameters(endpoint, kinds)),
        "responses": _responses(endpoint, kinds, token=token),
    }
    body = endpoint.raw if endpoint.raw is not None else endpoint.body
    if endpoint.changes and body is not Nothing:
        needed = endpoint.raw is None and any(need for _, _, need in kinds.fields(endpoint.body))
        found["requestBody"] = {"content": {"application/json": {"schema": kinds.of(body)}}, "required": needed}
    if token and endpoint.access == "token":
        found["security"] = [{"bearer": list[str]()}]
    return found


def _parameters(endpoint: AnyEndpoint, kinds: _Kinds) -> Iterator[dict[str, Any]]:
    for name in _PLACEHOLDER.findall(endpoint.path):
        yield {"name": name, "in": "path", "required": True, "schema": kinds.of(endpoint.parameters[name])}
    for name, schema, needed in kinds.fields(endpoint.query):
        yield {"name": name, "in": "query", "required": needed, "schema": schema}
    for name, kind in endpoint.headers.items():
        yield {"name": name, "in": "header", "required": False, "schema": kinds.of(kind)}


def _responses(endpoint: AnyEndpoint, kinds: _Kinds, *, token: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, kind in endpoint.answers.items():
        found[str(status)] = {"description": HTTPStatus(status).phrase}
        if kind == _STREAM:
            found[str(status)]["content"] = {_STREAM: {"schema": {"type": "string"}}}
        elif kind is not None:
            found[str(status)]["content"] = {"application/json": {"schema": kinds.of(kind)}}
    for status in sorted(refusals(endpoint, token=token)):
        problem = {"content": {_PROBLEM: {"schema": kinds.of(Problem)}}}
        found.setdefault(str(status), {"description": HTTPStatus(status).phrase, **problem})
    return found


def refusals(endpoint: AnyEndpoint, *, token: bool) -> set[int]:
    """All statuses with which the address may refuse."""
    found = {*endpoint.refusals, 422, 500, 503}
    if endpoint.access != "open":
        found.add(421)
    if endpoint.access == "token":
        found |= {401, 403} if token else {403}
    if endpoint.changes:
        found |= {400, 408, 413, 415}
    if endpoint.parameters:
        found.add(404)
    return found
