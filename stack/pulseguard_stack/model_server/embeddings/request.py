"""The body of an embedding request, checked.

After https://platform.openai.com/docs/api-reference/embeddings/create.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from pulseguard_stack.model_server.bodies import Wire

Text = Annotated[str, Field(min_length=1)]
TokenIds = Annotated[list[int], Field(min_length=1)]


class EmbeddingsRequest(Wire):
    """An embedding request: texts, or texts as numbers of tokens."""

    model: Annotated[str, Field(min_length=1)]
    input: (
        Text
        | Annotated[list[Text], Field(min_length=1, max_length=2048)]
        | TokenIds
        | Annotated[list[TokenIds], Field(min_length=1, max_length=2048)]
    )
    dimensions: Annotated[int, Field(ge=1, le=3072)] | None = None
    encoding_format: Literal["float", "base64"] | None = None

    @property
    def wants_stream(self) -> bool:
        """Never: an embedding comes whole."""
        return False

    def texts(self) -> Iterator[str | list[int]]:
        """What is to be embedded, one by one."""
        if isinstance(self.input, str):
            yield self.input
        elif isinstance(self.input[0], int):
            yield [number for number in self.input if isinstance(number, int)]
        else:
            for one in self.input:
                if not isinstance(one, int):
                    yield one
