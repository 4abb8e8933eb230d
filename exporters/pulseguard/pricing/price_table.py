"""The table of models that comes with genai-prices (extra `cost`); nothing is fetched."""

from collections.abc import Callable
from typing import Final, TypeAlias

from pulseguard.catalog import TokenKind
from pulseguard.forking import IMPORTING
from pulseguard.pricing.prices import Model, completed

# From provider and model to what is known of it; None where the table does not know them.
PriceTable: TypeAlias = Callable[[str, str], Model | None]

# OpenTelemetry's well-known providers whose names genai-prices does not recognise.
# https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/#gen-ai-provider-name
_PROVIDERS: Final = {
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
}
_RATES: Final[dict[TokenKind, str]] = {
    "input": "input_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "output": "output_mtok",
    "reasoning": "output_reasoning_mtok",
}


def load_table() -> PriceTable | None:
    """The table of the installed genai-prices, or None without it. Importing it takes 0.2 s."""
    try:
        with IMPORTING:
            import genai_prices
    except ImportError:
        return None

    def look_up(provider: str, model: str) -> Model | None:
        known_as = _PROVIDERS.get(provider, provider)
        usage = genai_prices.Usage(input_tokens=1, output_tokens=1)
        try:
            found = genai_prices.calc_price(usage, model, provider_id=known_as)
        except LookupError:
            return None
        rates = {kind: getattr(found.model_price, name, None) for kind, name in _RATES.items()}
        # Of a tiered price the base: tiers go by the length of one request, totals know no request.
        price = completed(
            {
                kind: float(getattr(rate, "base", rate))
                for kind, rate in rates.items()
                if rate is not None
            }
        )
        return Model(price, found.model.context_window)

    return look_up
