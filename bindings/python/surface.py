"""Writes the Python source of the API's surface from the library's table."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Tuple

Node = Dict[str, Any]

PROLOGUE = '''\
"""chrome.sockets.* and chrome.socket, member for member. Made by generate.py; do not edit."""

from __future__ import annotations

import enum
from asyncio import Future
from operator import index
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Literal, NamedTuple, Optional, TypedDict

from ._convert import choice, code, data, elements, flag, name_of, nothing, optional_int, struct, texts
from ._driver import Driver
from ._library import NULL, buffer, encode, text

if TYPE_CHECKING:
    from typing_extensions import Buffer
'''

PYTHON_TYPES = {"integer": "int", "boolean": "bool", "string": "str", "binary": "bytes"}


def snake(name: str) -> str:
    """`socketId` -> `socket_id`."""
    return re.sub(r"[A-Z]", lambda letter: "_" + letter.group().lower(), name)


def pascal(name: str) -> str:
    """`tcpServer` -> `TcpServer`."""
    return name[0].upper() + name[1:]


def short(ref: str) -> str:
    """`sockets.tcp.SendInfo` -> `SendInfo`."""
    return ref.rsplit(".", 1)[1]


def surface(table: Node) -> str:
    """The whole module."""
    members: Dict[str, List[Node]] = {}
    for member in table["members"]:
        members.setdefault(member["name"].rsplit(".", 1)[0], []).append(member)
    namespaces = [Namespace(table["types"], name, of_it) for name, of_it in members.items()]
    parts = [PROLOGUE, status(table["results"])]
    for namespace in namespaces:
        parts += namespace.source()
    parts += [sockets(namespaces), decoders(namespaces)]
    return "\n\n".join(part.strip("\n") + "\n" for part in parts)


def status(results: List[Node]) -> str:
    """Every result, by name."""
    lines = [f"    {result['cName'].replace('CHROMESOCK_', '')} = {result['number']}" for result in results]
    return "\n".join(["class Status(enum.IntEnum):", '    """Results, with Chromium\'s numbers."""', "", *lines])


def sockets(namespaces: List[Namespace]) -> str:
    """chrome.sockets itself."""
    lines = ["class Sockets:", '    """chrome.sockets"""', "", "    def __init__(self, driver: Driver) -> None:"]
    for namespace in namespaces:
        if namespace.name.startswith("chrome.sockets."):
            lines.append(f"        self.{snake(short(namespace.name))} = {namespace.python}(driver)")
    return "\n".join(lines)


def decoders(namespaces: List[Namespace]) -> str:
    """What each completion gives, by its event type."""
    lines = ["DECODERS: Dict[int, Callable[[Any], Any]] = {"]
    for namespace in namespaces:
        lines += [f"    {member['eventType']}: {namespace.decoder(member)}," for member in namespace.methods]
    return "\n".join([*lines, "}"])


class Namespace:
    """One namespace: its class with the types inside, and what decodes its events."""

    def __init__(self, types: Node, name: str, members: List[Node]) -> None:
        self.name = name
        self.python = pascal(short(name))
        self.methods = [member for member in members if member["kind"] == "method"]
        self.events = [member for member in members if member["kind"] == "event"]
        prefix = name.replace("chrome.", "") + "."
        self.types = {ref: kind for ref, kind in types.items() if ref.rpartition(".")[0] + "." == prefix}

    def source(self) -> Iterator[str]:
        for ref, kind in self.types.items():
            if "values" in kind:
                yield f"{self.constant(ref)}: Dict[str, int] = {kind['values']!r}".replace("'", '"')
        taken = {parameter.get("ref") for member in self.methods for parameter in member["parameters"]}
        blocks = [f'class {self.python}:\n    """{self.name}"""\n']
        given = []
        for ref, kind in self.types.items():
            if "values" in kind:
                values = ", ".join(f'"{value}"' for value in kind["values"])
                blocks.append(f"    {short(ref)} = Literal[{values}]\n")
            elif ref in taken and kind["struct"]:
                blocks.append(self.typed_dict(ref))
            elif kind["struct"] in ("chromesock_event", "chromesock_socket_info") or self.is_element(ref):
                blocks.append(self.named_tuple(ref))
                given.append(ref)
        blocks.append(self.constructor())
        blocks += [self.method(member) for member in self.methods]
        yield "\n".join(blocks)
        for ref in given:
            yield self.info_function(ref)
        for member in self.methods:
            if self.decoder(member) == self.function(short(member["name"])):
                yield self.outcome_function(member)

    # Types

    def is_element(self, ref: str) -> bool:
        return any((member["outcome"] or {}).get("items", {}).get("ref") == ref for member in self.methods)

    def constant(self, ref: str) -> str:
        return f"{snake(self.python)}{snake(short(ref))}".upper()

    def function(self, name: str) -> str:
        return f"_{snake(self.python).lstrip('_')}{snake(name) if name[0].isupper() else '_' + snake(name)}"

    def type_of(self, node: Node) -> str:
        return PYTHON_TYPES.get(node["type"]) or f"{self.python}.{short(node['ref'])}"

    def leaves(self, ref: str) -> List[Node]:
        """The members of an object that a caller gives, those of objects inside it too."""
        found: List[Node] = []
        for member in self.types[ref]["members"]:
            found += self.leaves(member["ref"]) if member["type"] == "object" else [member]
        return found

    def typed_dict(self, ref: str) -> str:
        lines = [f"    class {short(ref)}(TypedDict, total=False):"]
        lines += [f"        {leaf['field']}: {self.type_of(leaf)}" for leaf in self.leaves(ref)]
        return "\n".join(lines) + "\n"

    def named_tuple(self, ref: str) -> str:
        lines = [f"    class {short(ref)}(NamedTuple):"]
        for member in self.types[ref]["members"]:
            kind = self.type_of(member)
            lines.append(f"        {snake(member['name'])}: {f'Optional[{kind}]' if 'present' in member else kind}")
        return "\n".join(lines) + "\n"

    # Methods

    def constructor(self) -> str:
        lines = ["    def __init__(self, driver: Driver) -> None:", "        self._driver = driver"]
        for event in self.events:
            decoder = self.function(short(event["outcome"]["ref"]))
            name = snake(short(event["name"]))
            lines.append(f'        self.{name} = driver.event({event["eventType"]}, "{event["name"]}", {decoder})')
        return "\n".join(lines) + "\n"

    def method(self, member: Node) -> str:
        signature, keywords, before, passed = ["self"], [], [], []
        for parameter in member["parameters"]:
            if "dropped" in parameter:
                continue
            name = snake(parameter["name"])
            declared, made, expression = self.parameter(name, parameter)
            signature.append(declared)
            before += made
            passed += expression
            if parameter["type"] == "object":
                keywords = self.leaves(parameter["ref"])
        if keywords:
            signature.append("*")
            signature += [f"{leaf['field']}: Optional[{self.type_of(leaf)}] = None" for leaf in keywords]
        if member["createsSocket"]:
            passed.append("NULL")
        arguments = ", ".join([f"driver.lib.{member['function']}", *passed])
        call = f"driver.call({arguments})"
        if member["name"] == "chrome.sockets.tcp.send":
            # Data that cannot change need not be copied.
            before, call = [], "driver.send(socket_id, data)"
        head = f"    def {snake(short(member['name']))}({', '.join(signature)}) -> Future[{self.given(member)}]:"
        if len(head) > 119:
            inside = ", ".join(signature)
            head = head.replace(inside, f"\n        {inside}\n    ")
        lines = [head, f'        """{member["name"]}"""', "        driver = self._driver"]
        lines += [f"        {line}" for line in before]
        return "\n".join([*lines, f"        return {call}"]) + "\n"

    def parameter(self, name: str, parameter: Node) -> Tuple[str, List[str], List[str]]:
        """Declaration, lines before the call, and what is passed."""
        kind = self.type_of(parameter)
        optional = "optional" in parameter
        if parameter["type"] == "object":
            struct = self.types[parameter["ref"]]["struct"]
            leaves = self.leaves(parameter["ref"])
            bits = ", ".join(f'"{leaf["field"]}": {leaf.get("present", 0)}' for leaf in leaves)
            keywords = ", ".join(f"{leaf['field']}={leaf['field']}" for leaf in leaves)
            line = f'made = struct("{struct}", {{{bits}}}, {name}, {keywords})'
            return f"{name}: Optional[{kind}] = None", [line], ["made[0]"]
        if parameter["type"] == "enum":
            declared = f"{name}: Optional[{kind}] = None" if optional else f"{name}: {kind}"
            passed = f"choice({self.constant(parameter['ref'])}, {name})"
            return declared, [], [f"{parameter['absent']} if {name} is None else {passed}" if optional else passed]
        if parameter["type"] == "integer" and optional:
            absent = parameter["absent"]
            passed = f"optional_int({name})" if absent is None else f"{absent} if {name} is None else index({name})"
            return f"{name}: Optional[int] = None", [], [passed]
        assert not optional
        if parameter["type"] == "binary":
            return f"{name}: Buffer", [f"held = buffer({name})"], ["held", "len(held)"]
        reader = "encode" if parameter["type"] == "string" else "index"
        return f"{name}: {kind}", [], [f"{reader}({name})"]

    def given(self, member: Node) -> str:
        """The type of what a call gives."""
        outcome = member["outcome"]
        if outcome is None:
            return "None"
        return f"List[{self.type_of(outcome['items'])}]" if outcome["type"] == "array" else self.type_of(outcome)

    # Decoding

    def info_function(self, ref: str) -> str:
        """Makes the object from the C struct that holds it."""
        values = ",\n".join(f"        {self.value(member)}" for member in self.types[ref]["members"])
        kind = f"{self.python}.{short(ref)}"
        return f"def {self.function(short(ref))}(c: Any) -> {kind}:\n    return {kind}(\n{values},\n    )\n"

    def value(self, member: Node) -> str:
        place = f"c.{member['field']}"
        present = member.get("present")
        value = {
            "boolean": f"bool({place})",
            "string": f"text({place})" if present else f'text({place}) or ""',
            "binary": f"data({place}, {place}_len)",
        }.get(member["type"], place)
        if member["type"] == "enum":
            value = f"name_of({self.constant(member['ref'])}, {place})"
        if present is None:
            return value
        return f"{place} or None" if present == "not zero" else f"{value} if c.present & {present} else None"

    def decoder(self, member: Node) -> str:
        """The function that makes what a call gives out of its event."""
        outcome = member["outcome"]
        if outcome is None:
            return "nothing"
        if outcome["type"] == "array":
            return self.function(short(member["name"])) if "ref" in outcome["items"] else "texts"
        if outcome["type"] == "object":
            return self.function(short(member["name"]) if "present" in outcome else short(outcome["ref"]))
        return {"integer": "code", "boolean": "flag"}[outcome["type"]]

    def outcome_function(self, member: Node) -> str:
        """For what is delivered only sometimes."""
        outcome = member["outcome"]
        field, absent, condition = outcome.get("field"), "None", f"event.present & {outcome['present']}"
        if outcome["type"] == "array":
            made = self.function(short(outcome["items"]["ref"]))
            value, absent = f"[{made}(each) for each in elements(event.{field}, event.{field}_len)]", "code(event)"
        else:
            value = f"{self.function(short(outcome['ref']))}({f'event.{field}[0]' if field else 'event'})"
        if "bareWithMessage" in outcome:
            condition, absent = f"{condition} and not event.message", "code(event)"
        head = f"def {self.decoder(member)}(event: Any) -> Any:"
        return f"{head}\n    return {value} if {condition} else {absent}"
