"""Reads the pipelines of a template: commands, operands, variables, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pulseguard_registry.errors import TemplateFault
from pulseguard_registry.rules.checking.template_sizes import (
    ROUNDS,
    SET,
    VALUE,
    Operand,
    Value,
    Variables,
    element_size,
    format_fault,
    size_made,
)
from pulseguard_registry.rules.checking.template_words import Piece, pieces

# https://prometheus.io/docs/prometheus/2.42/configuration/template_reference/, then Go's own.
_FUNCTIONS: Final = """
    query first label value strvalue args reReplaceAll safeHtml match title toUpper toLower
    graphLink tableLink sortByLabel stripPort stripDomain humanize humanize1024 humanizeDuration
    humanizePercentage humanizeTimestamp toTime pathPrefix externalURL parseDuration
    and call html index slice js len not or print printf println urlquery eq ge gt le lt ne
"""
FUNCTIONS: Final = frozenset(_FUNCTIONS.split())
VARIABLES: Final = ("$", "$labels", "$externalLabels", "$externalURL", "$value")
FIELDS_OF_ROOT: Final = ("Labels", "ExternalLabels", "ExternalURL", "Value")
DEEPEST: Final = 40
_SHORT_PATHS: Final = {
    "$labels": "Labels",
    "$externalLabels": "ExternalLabels",
    "$externalURL": "ExternalURL",
    "$value": "Value",
}
_SETS: Final = (["Labels"], ["ExternalLabels"])

_VALUES: Final = frozenset(("string", "number", "variable", "field", "dot", "left", "word"))
_CONSTANT: Final = frozenset(("string", "number", "dot", "true", "false", "nil"))
END: Final = Piece("end of the template", "")


@dataclass
class Body:
    """What the main template, or one that it defines, would do: how many bytes it makes, and which
    other templates it executes, each with how often."""

    size: int = 0
    executes: list[tuple[str, int]] = field(default_factory=list)
    is_empty: bool = True


@dataclass
class Template:
    """A template that was read; `faults` are those that do not keep it from being parsed on."""

    main: Body = field(default_factory=Body)
    defined: dict[str, Body] = field(default_factory=dict)
    faults: dict[str, None] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)


class PipelineReader:
    """Stands at one piece of a template, and reads on from there."""

    def __init__(self, text: str) -> None:
        self._pieces = list(pieces(text))
        self._at = 0
        self._template = Template()
        self._body = self._template.main
        self._variables = Variables(VARIABLES)
        self._ranges = 0
        self._depth = 0
        # Whether `.` is what Prometheus gives to the template, and `$` too.
        self._dot_is_root = True
        self._dot = SET
        self._is_main = True

    def _pipeline(self, context: str, end: str) -> Value:
        """Commands up to `end`: the kinds of the only one's operands, and the size of the last."""
        declared, is_new = self._declarations(context)
        commands: list[Value] = []
        while True:
            piece = self._next_word()
            if piece.kind == end:
                break
            if not _is_value(piece):
                raise TemplateFault(f"{said(piece)} is not expected in {context}")
            self._at -= 1
            commands.append(self._command(context, [each.size for each in commands[-1:]]))
        if not commands:
            raise TemplateFault(f"{context} has no value")
        for command in commands[1:]:
            if command.kinds[0] in _CONSTANT:
                raise TemplateFault("what stands behind | has to be a function")
        value = Value(commands[0].kinds if len(commands) == 1 else [], commands[-1].size)
        for name in declared:
            self._hold(name, element_size(value) if context == "range" else value.size, is_new)
        return value

    def _hold(self, name: str, size: int, is_new: bool) -> None:
        if is_new:
            self._variables.declare(name, size)
            return
        if size > VALUE and self._ranges:
            self._note(
                f"the variable {name} is given more than {VALUE} bytes within a range, and could"
                " grow with every round; declare another one there"
            )
        self._variables.assign(name, size)

    def _declarations(self, context: str) -> tuple[list[str], bool]:
        """The variables that the pipeline is to be the value of, and whether they are new."""
        names: list[str] = []
        while self._after_space(0).kind == "variable":
            start = self._at
            name = self._next_word().text
            sign = self._after_space(0)
            if sign.kind in ("declare", "assign"):
                self._next_word()
                if sign.kind == "assign" and name not in self._variables:
                    self._note(f"the variable {name} is not defined")
                return [*names, name], sign.kind == "declare"
            if sign.kind != "comma":
                self._at = start
                break
            self._next_word()
            names.append(name)
            if context != "range" or len(names) > 1:
                raise TemplateFault(f"too many variables are declared in {context}")
            if self._after_space(0).kind not in ("variable", "close", "right"):
                raise TemplateFault("range can only declare variables")
        return names, True

    def _command(self, context: str, piped: list[int]) -> Value:
        """Operands up to | or the end; | is taken, the end is left. `piped` is what | brings."""
        operands: list[Operand] = []
        while True:
            self._skip_space()
            if _is_value(self._peek()):
                operands.append(self._operand())
            piece = self._peek()
            if piece.kind == "space":
                continue
            if piece.kind == "pipe":
                self._next()
            elif piece.kind not in ("close", "right"):
                raise TemplateFault(f"{said(piece)} is not expected in {context}")
            break
        if not operands:
            raise TemplateFault("a command is empty")
        size = self._made(operands, piped)
        self._body.size += size * ROUNDS**self._ranges
        return Value([each.kind for each in operands], size)

    def _made(self, operands: list[Operand], piped: list[int]) -> int:
        first, given = operands[0], operands[1:]
        if first.kind != "word":
            return first.size
        form = ""
        if any(each.text == "printf" for each in given if each.kind == "word"):
            self._note("printf needs a format")
        if first.text == "printf":
            form = given[0].text if given and given[0].kind == "string" else ""
            fault = (
                format_fault(form) if form else "the format of printf has to be a text in quotes"
            )
            if fault is not None:
                self._note(fault)
        sizes = [each.size for each in given] + piped
        if first.text == "args" and len(sizes) > ROUNDS:
            self._note(f"args takes more than {ROUNDS} values")
        return size_made(first.text, sizes, form)

    def _operand(self) -> Operand:
        piece = self._next()
        kind = piece.text if piece.kind == "keyword" else piece.kind
        size = len(piece.text.encode())
        if kind == "left":
            self._depth += 1
            if self._depth > DEEPEST:
                raise TemplateFault(f"nests deeper than {DEEPEST}")
            size = self._pipeline("parentheses", "right").size
            self._depth -= 1
        elif kind == "word":
            self._function(piece.text)
            size = VALUE
        elif kind == "variable":
            if piece.text not in self._variables:
                self._note(f"the variable {piece.text} is not defined")
            size = self._variables.size(piece.text)
        elif kind in ("dot", "field"):
            size = self._dot
        fields = [piece.text[1:]] if kind == "field" else []
        while self._peek().kind == "field":
            if kind in _CONSTANT:
                raise TemplateFault(f"{piece.text} has no fields")
            fields.append(self._next().text[1:])
        path = self._path(piece, fields)
        self._note_fields(path)
        if path in _SETS:
            return Operand("labels", piece.text, SET)
        return Operand(kind, piece.text, VALUE if path[:1] in _SETS or path == ["Value"] else size)

    def _path(self, piece: Piece, fields: list[str]) -> list[str]:
        """From what Prometheus gives to the template; empty where it comes from elsewhere."""
        if piece.text in _SHORT_PATHS and self._is_main:
            return [_SHORT_PATHS[piece.text], *fields]
        of_root = self._dot_is_root if piece.kind == "field" else self._is_main
        return fields if of_root and (piece.kind == "field" or piece.text == "$") else []

    def _note_fields(self, path: list[str]) -> None:
        if path and path[0] not in FIELDS_OF_ROOT:
            self._note(f".{path[0]} is not known; there are .Labels and .Value")
        elif path[0:1] == ["Labels"]:
            self._template.labels.update(path[1:2])
        deepest = 2 if path[:1] in _SETS else 1
        if len(path) > deepest:
            self._note(
                f"{'.'.join(['', *path[:deepest]])} has no fields, and none .{path[deepest]}"
            )

    def _function(self, name: str) -> None:
        if name not in FUNCTIONS:
            self._note(f"the function {name} is not known to Prometheus 2.42")
        elif name == "query":
            self._note("query is not allowed here: it asks Prometheus anew for every alert")

    def _note(self, sentence: str) -> None:
        self._template.faults[sentence] = None

    def _peek(self) -> Piece:
        return self._pieces[self._at] if self._at < len(self._pieces) else END

    def _next(self) -> Piece:
        piece = self._peek()
        self._at += 1
        return piece

    def _skip_space(self) -> None:
        while self._peek().kind == "space":
            self._at += 1

    def _next_word(self) -> Piece:
        self._skip_space()
        return self._next()

    def _after_space(self, ahead: int) -> Piece:
        """What comes after `ahead` pieces and blanks, which are left there."""
        at = self._at + ahead
        while at < len(self._pieces) and self._pieces[at].kind == "space":
            at += 1
        return self._pieces[at] if at < len(self._pieces) else END


def _is_value(piece: Piece) -> bool:
    return piece.kind in _VALUES or piece.text in ("true", "false", "nil")


def said(piece: Piece) -> str:
    """A piece as it may stand in a sentence."""
    return piece.text.strip() or piece.kind
