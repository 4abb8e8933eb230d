"""Reads a template as Go's text/template does, and notes what it would do when it is expanded.

https://pkg.go.dev/text/template, as it was with Prometheus 2.42 (Go 1.19); what newer ones take
besides is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from pulseguard_registry.errors import TemplateFault
from pulseguard_registry.rules.checking.template_pipelines import (
    DEEPEST,
    END,
    Body,
    PipelineReader,
    Template,
    said,
)
from pulseguard_registry.rules.checking.template_sizes import ROUNDS, SET, Variables, element_size

# What an item costs beyond the bytes that it makes.
_STEP: Final = 10


def read_template(text: str) -> Template:
    """Parse a template; TemplateFault at the first thing that Go would not parse."""
    return _Reader(text).read()


class _Reader(PipelineReader):
    def read(self) -> Template:
        while self._peek() is not END:
            if self._peek().kind == "open" and self._after_space(1).text == "define":
                self._define()
                continue
            ended = self._item()
            if ended is not None:
                raise TemplateFault(f"{{{{{ended}}}}} has nothing to end")
        return self._template

    def _list(self, context: str) -> str:
        """Items up to `end` or `else`, which is answered; `else if` is, with its `if` left."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise TemplateFault(f"nests deeper than {DEEPEST}")
        while self._peek() is not END:
            ended = self._item()
            if ended is not None:
                self._depth -= 1
                return ended
        raise TemplateFault(f"{{{{{context}}}}} is not closed by {{{{end}}}}")

    def _item(self) -> str | None:
        piece = self._next()
        if piece.kind == "text":
            self._body.is_empty &= not piece.text.strip()
            self._body.size += (_STEP + len(piece.text.encode())) * ROUNDS**self._ranges
            return None
        first = self._next_word()
        if first.kind == "keyword" and first.text in ("end", "else"):
            return self._ended(first.text)
        self._body.is_empty = False
        self._body.size += _STEP * ROUNDS**self._ranges
        control = self._controls().get(first.text) if first.kind == "keyword" else None
        if control is not None:
            control()
        else:
            self._at -= 1
            self._pipeline("a command", "close")
        return None

    def _controls(self) -> dict[str, Callable[[], None]]:
        return {
            "if": lambda: self._block("if"),
            "with": lambda: self._block("with"),
            "range": lambda: self._block("range"),
            "template": self._template_call,
            "block": self._named_block,
            "break": lambda: self._leave("break"),
            "continue": lambda: self._leave("continue"),
        }

    def _ended(self, word: str) -> str:
        if word == "else" and self._after_space(0).text == "if":
            return word
        self._expect_close(word)
        return word

    def _leave(self, word: str) -> None:
        self._expect_close(word)
        if not self._ranges:
            raise TemplateFault(f"{{{{{word}}}}} is outside of a range")

    def _block(self, context: str) -> None:
        variables, root, dot = len(self._variables), self._dot_is_root, self._dot
        value = self._pipeline(context, "close")
        if context != "if":
            self._dot = element_size(value) if context == "range" else value.size
        if context == "range":
            if value.kinds == ["number"]:
                self._note("range over a number is not known to Prometheus 2.42")
            self._ranges += 1
        self._dot_is_root &= context == "if"
        ended = self._list(context)
        self._dot_is_root, self._dot = root, dot
        if context == "range":
            self._ranges -= 1
        if ended == "else":
            self._otherwise(context)
        self._variables.forget(variables)

    def _otherwise(self, context: str) -> None:
        if self._after_space(0).text != "if":
            if self._list("else") != "end":
                raise TemplateFault("{{else}} stands twice in one block")
            return
        if context != "if":
            raise TemplateFault("{{else if}} is outside of an if")
        self._next_word()
        self._depth += 1
        if self._depth > DEEPEST:
            raise TemplateFault(f"nests deeper than {DEEPEST}")
        self._block("if")
        self._depth -= 1

    def _template_call(self) -> None:
        name = self._name("template")
        self._body.executes.append((name, ROUNDS**self._ranges))
        if self._after_space(0).kind == "close":
            self._next_word()
        else:
            self._give(name, "template")

    def _define(self) -> None:
        self._next()
        self._next_word()
        name = self._name("define")
        self._expect_close("define")
        self._definition(name, "define")

    def _named_block(self) -> None:
        name = self._name("block")
        self._body.executes.append((name, ROUNDS**self._ranges))
        self._give(name, "block")
        self._definition(name, "block")

    def _give(self, name: str, context: str) -> None:
        if self._pipeline(context, "close").size > SET:
            self._note(f"the template {name} is given more than {SET} bytes")

    def _definition(self, name: str, context: str) -> None:
        kept = self._body, self._variables, self._ranges
        root = self._dot_is_root, self._dot, self._is_main
        self._body, self._variables, self._ranges = Body(), Variables(["$"]), 0
        self._dot_is_root, self._dot, self._is_main = False, SET, False
        if self._list(context) != "end":
            raise TemplateFault(f"{{{{else}}}} stands in a {context}")
        body = self._body
        self._body, self._variables, self._ranges = kept
        self._dot_is_root, self._dot, self._is_main = root
        before = self._template.defined.get(name)
        if before is None or before.is_empty:
            self._template.defined[name] = body
        elif not body.is_empty:
            raise TemplateFault(f"the template {name} is defined twice")

    def _name(self, context: str) -> str:
        piece = self._next_word()
        if piece.kind != "string":
            raise TemplateFault(f"{context} needs a name in quotes")
        if piece.text.startswith("`"):
            return piece.text[1:-1]
        try:
            return str(json.loads(piece.text))
        except ValueError:
            raise TemplateFault(f"the name {piece.text} cannot be read") from None

    def _expect_close(self, context: str) -> None:
        if (piece := self._next_word()).kind != "close":
            raise TemplateFault(f"{said(piece)} is not expected in {context}")
