"""Reads the pipelines of a template: commands, operands, variables, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pulseguard_registry.errors import TemplateFault
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

_VALUES: Final = frozenset(("string", "number", "variable", "field", "dot", "left", "word"))
_CONSTANT: Final = frozenset(("string", "number", "dot", "true", "false", "nil"))
END: Final = Piece("end of the template", "")


@dataclass
class Body:
    """What the main template, or one that it defines, would do: how many steps, and which other
    templates it executes, each with how often."""

    steps: int = 0
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
        self._variables = list(VARIABLES)
        self._ranges = 0
        self._depth = 0
        # Whether `.` is what Prometheus gives to the template, and `$` too.
        self._dot_is_root = True
        self._is_main = True

    def _pipeline(self, context: str, end: str) -> bool:
        """Commands up to `end`; whether it is a number and nothing else."""
        self._declarations(context)
        commands: list[list[str]] = []
        while True:
            piece = self._next_word()
            if piece.kind == end:
                break
            if not _is_value(piece):
                raise TemplateFault(f"{said(piece)} is not expected in {context}")
            self._at -= 1
            commands.append(self._command(context))
        if not commands:
            raise TemplateFault(f"{context} has no value")
        for command in commands[1:]:
            if command[0] in _CONSTANT:
                raise TemplateFault("what stands behind | has to be a function")
        return commands == [["number"]]

    def _declarations(self, context: str) -> None:
        declared = 0
        while self._after_space(0).kind == "variable":
            start = self._at
            name = self._next_word().text
            sign = self._after_space(0)
            if sign.kind in ("declare", "assign"):
                self._next_word()
                if sign.kind == "assign" and name not in self._variables:
                    self._note(f"the variable {name} is not defined")
                self._variables.append(name)
                return
            if sign.kind != "comma":
                self._at = start
                return
            self._next_word()
            declared += 1
            self._variables.append(name)
            if context != "range" or declared > 1:
                raise TemplateFault(f"too many variables are declared in {context}")
            if self._after_space(0).kind not in ("variable", "close", "right"):
                raise TemplateFault("range can only declare variables")

    def _command(self, context: str) -> list[str]:
        """Operands up to | or the end, by the kind of each; | is taken, the end is left."""
        kinds: list[str] = []
        while True:
            self._skip_space()
            if _is_value(self._peek()):
                kinds.append(self._operand())
            piece = self._peek()
            if piece.kind == "space":
                continue
            if piece.kind == "pipe":
                self._next()
            elif piece.kind not in ("close", "right"):
                raise TemplateFault(f"{said(piece)} is not expected in {context}")
            break
        if not kinds:
            raise TemplateFault("a command is empty")
        return kinds

    def _operand(self) -> str:
        piece = self._next()
        kind = piece.text if piece.kind == "keyword" else piece.kind
        if kind == "left":
            self._depth += 1
            if self._depth > DEEPEST:
                raise TemplateFault(f"nests deeper than {DEEPEST}")
            self._pipeline("parentheses", "right")
            self._depth -= 1
        elif kind == "word":
            self._function(piece.text)
        elif kind == "variable" and piece.text not in self._variables:
            self._note(f"the variable {piece.text} is not defined")
        fields = [piece.text[1:]] if kind == "field" else []
        while self._peek().kind == "field":
            if kind in _CONSTANT:
                raise TemplateFault(f"{piece.text} has no fields")
            fields.append(self._next().text[1:])
        self._note_fields(piece, fields)
        return kind

    def _note_fields(self, piece: Piece, fields: list[str]) -> None:
        of_root = self._dot_is_root if piece.kind == "field" else self._is_main
        if not fields or not of_root:
            return
        if piece.text == "$labels":
            self._template.labels.add(fields[0])
        elif piece.kind == "field" or piece.text == "$":
            if fields[0] not in FIELDS_OF_ROOT:
                self._note(f".{fields[0]} is not known; there are .Labels and .Value")
            elif fields[0] == "Labels":
                self._template.labels.update(fields[1:2])

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
