"""The simulated model server as an ASGI application: the endpoints, the ledger, what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TextIO

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pulseguard_stack.model_server.chat_completions.conversation import Conversations
from pulseguard_stack.model_server.chat_completions.dialect import ChatCompletions
from pulseguard_stack.model_server.connection import Connections
from pulseguard_stack.model_server.embeddings.dialect import Embeddings
from pulseguard_stack.model_server.exchange import Behaviour, Exchange
from pulseguard_stack.model_server.ledger import Ledger, summarize
from pulseguard_stack.model_server.messages.dialect import Messages
from pulseguard_stack.model_server.messages.prefix_cache import PrefixCache
from pulseguard_stack.model_server.messages.token_count import count_tokens
from pulseguard_stack.model_server.models import Model
from pulseguard_stack.model_server.prompt_cache import PromptCache, PromptCacheSettings
from pulseguard_stack.model_server.responses.dialect import Responses

NAME = "pulseguard-simulated-model-server"
_OWNER = "pulseguard-simulation"
# Azure names the deployment here, and the model is still in the body.
_AZURE = "/openai/deployments/{deployment}"
_PAGE = 1000
_LONGEST_PAGE = 10_000


@dataclass(frozen=True)
class Settings:
    """Everything that makes one server differ from another."""

    behaviour: Behaviour
    models: Mapping[str, Model]
    prompt_cache: PromptCacheSettings
    right_share: float
    ledger_entries: int


def make_application(
    settings: Settings, connections: Connections, ledger_file: TextIO | None
) -> Starlette:
    """The application with a fresh ledger; `ledger_file` gets a line per ended attempt."""
    ledger = Ledger(settings.ledger_entries, ledger_file)
    chat = ChatCompletions(_conversations(settings))
    messages = Messages(settings.models, PrefixCache(settings.prompt_cache), settings.right_share)
    responses = Responses(_conversations(settings))
    # A further provider endpoint is one more dialect in this list.
    deployed = (
        Exchange(chat, settings.behaviour, ledger, connections),
        Exchange(Embeddings(settings.models), settings.behaviour, ledger, connections),
    )
    exchanges = (
        *deployed,
        Exchange(messages, settings.behaviour, ledger, connections),
        Exchange(responses, settings.behaviour, ledger, connections),
    )
    pages = Pages(settings, ledger)
    return Starlette(
        routes=[
            *(Route(exchange.path, exchange, methods=["POST"]) for exchange in exchanges),
            *(
                Route(_AZURE + each.path.removeprefix("/v1"), each, methods=["POST"])
                for each in deployed
            ),
            Route("/v1/messages/count_tokens", count_tokens, methods=["POST"]),
            Route("/", pages.about),
            Route("/healthz", pages.health),
            Route("/v1/models", pages.models),
            Route("/v1/models/{model}", pages.model),
            Route("/ledger", pages.ledger),
            Route("/ledger/summary", pages.summary),
        ],
        exception_handlers={HTTPException: _http_error},
    )


class Pages:
    """What can be read from the server beside the models' answers."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger

    async def about(self, request: Request) -> Response:
        """Says what this is."""
        about = (
            "This is a SIMULATION of a model server: there is no model behind it. "
            "Its answers, token counts and times are generated from a seed."
        )
        return JSONResponse(
            {
                "name": NAME,
                "simulation": True,
                "about": about,
                "seed": self._settings.behaviour.seed,
                "models": list(self._settings.models),
                "ledger": "/ledger",
                "summary": "/ledger/summary",
            }
        )

    async def health(self, request: Request) -> Response:
        """Alive."""
        return JSONResponse({"status": "ok", "simulation": True})

    async def models(self, request: Request) -> Response:
        """OpenAI's list of models."""
        return JSONResponse({"object": "list", "data": [*map(_model, self._settings.models)]})

    async def model(self, request: Request) -> Response:
        """One model of the list."""
        name = request.path_params["model"]
        if name not in self._settings.models:
            raise HTTPException(404, f"The model `{name}` does not exist in this simulation.")
        return JSONResponse(_model(name))

    async def ledger(self, request: Request) -> Response:
        """The entries after a sequence number, oldest first."""
        after = _whole_number(request, "after", 0)
        limit = min(_whole_number(request, "limit", _PAGE), _LONGEST_PAGE)
        entries = [asdict(entry) for entry in self._ledger.entries(after, limit)]
        return JSONResponse({"entries": entries, **self._counts()})

    async def summary(self, request: Request) -> Response:
        """Totals by model over the entries in memory."""
        counts = self._counts()
        # A hundred thousand entries take long enough to disturb the pace of the streams.
        totals = await run_in_threadpool(summarize, self._ledger.entries())
        models = {model: asdict(total) for model, total in totals.items()}
        return JSONResponse({"models": models, **counts})

    def _counts(self) -> dict[str, int]:
        return {"forgotten": self._ledger.forgotten, "open": self._ledger.open}


def _conversations(settings: Settings) -> Conversations:
    return Conversations(settings.models, PromptCache(settings.prompt_cache), settings.right_share)


def _model(name: str) -> dict[str, str | int]:
    return {"id": name, "object": "model", "created": 0, "owned_by": _OWNER}


def _whole_number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise HTTPException(400, f"{name} is {text!r}: it must be a whole number, 0 or more")
    return int(text)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    body = {"message": error.detail, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": body}, error.status_code, headers=error.headers)
