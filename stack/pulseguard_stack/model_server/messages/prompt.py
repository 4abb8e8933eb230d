"""A conversation as blocks of tokens: what is counted, and what the prompt cache compares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from pulseguard_stack.model_server.messages.request import Block, CountRequest, Message
from pulseguard_stack.model_server.tokens import tokenize

_FILE_TOKENS = 85


@dataclass(frozen=True)
class PromptBlock:
    """A stretch of the prompt, and whether the prompt is to be cached up to its end."""

    tokens: tuple[str, ...]
    is_breakpoint: bool


def prompt_blocks(request: CountRequest) -> list[PromptBlock]:
    """The prompt in the order of Anthropic's cache: tools, system, turns.

    A turn costs 3 tokens beside its role and text, an image or another file 85. A
    `cache_control` of the request itself marks the last block.
    """
    blocks = [*_tools(request), *_system(request)]
    for message in request.messages:
        blocks += _turn(message)
    if request.cache_control is not None:
        blocks[-1] = PromptBlock(blocks[-1].tokens, is_breakpoint=True)
    return blocks


def count_prompt(blocks: list[PromptBlock]) -> int:
    """The number of tokens of a prompt."""
    return sum(len(block.tokens) for block in blocks)


def _tools(request: CountRequest) -> Iterator[PromptBlock]:
    for tool in request.tools or ():
        text = tool.model_dump_json(exclude={"cache_control"})
        yield PromptBlock(tuple(tokenize(text)), tool.cache_control is not None)


def _system(request: CountRequest) -> list[PromptBlock]:
    if not request.system:
        return []
    return _turn(Message(role="system", content=request.system))


def _turn(message: Message) -> list[PromptBlock]:
    start: tuple[str, ...] = ("<start>", message.role, "<text>")
    turn = []
    for block in message.blocks:
        marked = block.cache_control is not None
        turn.append(PromptBlock((*start, *_block_tokens(block)), marked))
        start = ()
    return [*turn, PromptBlock((*start, "<end>"), is_breakpoint=False)]


def _block_tokens(block: Block) -> list[str]:
    tokens = tokenize(block.text) + tokenize(block.thinking) + tokenize(block.name)
    if block.type in ("image", "document"):
        tokens += ["<file>"] * _FILE_TOKENS
    if block.input is not None:
        tokens += tokenize(json.dumps(block.input))
    if isinstance(block.content, str):
        return tokens + tokenize(block.content)
    for part in block.content or ():
        tokens += _block_tokens(part)
    return tokens
