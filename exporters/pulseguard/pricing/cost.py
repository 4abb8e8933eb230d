"""What the tokens cost: the totals that a scrape shows, times the price of their model."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from pulseguard.catalog import COST, OTHER, UNPRICED_TOKENS, TokenKind, UnpricedReason
from pulseguard.pricing.price_table import PriceTable, load_table
from pulseguard.pricing.prices import Model, Price
from pulseguard.recording.series import LabelSet, Reading, Readings


class Pricing:
    """Prices tokens for the threads that read them, never for one that records them.

    A model is looked up once and holds for the life of the process: cost is tokens times a
    constant, so it only grows, and it is of the same moment as the tokens beside it. The operator's
    own file goes first. Where there is neither such a price nor a price table nothing is said.
    """

    def __init__(
        self,
        own: Mapping[str, Model],
        load: Callable[[], PriceTable | None] = load_table,
    ) -> None:
        self._own = own
        self._load = load
        self._lock = threading.Lock()
        self._loaded = False
        self._table: PriceTable | None = None
        self._models: dict[tuple[str, str], Model | UnpricedReason] = {}

    def read(self, tokens: Sequence[tuple[LabelSet, Reading]]) -> Readings:
        """The readings of COST and UNPRICED_TOKENS that belong to these of TOKENS."""
        cost: list[tuple[LabelSet, Reading]] = []
        unpriced: Counter[LabelSet] = Counter()
        for labels, reading in tokens:
            provider, model, kind = labels
            count = cast(float, reading)
            price = self._price(provider, model)
            if isinstance(price, str):
                unpriced[model, price] += int(count)
            elif kind in price:
                cost.append((labels, count * price[cast(TokenKind, kind)] / 1_000_000))
            elif count:
                unpriced[model, "no_price"] += int(count)
        if not self._own and self._table is None:
            return {}
        return {COST.name: cost, UNPRICED_TOKENS.name: list(unpriced.items())}

    def context_window(self, provider: str, model: str) -> int | None:
        """How many tokens the model takes; None where nobody says."""
        found = self._model(provider, model)
        return None if isinstance(found, str) else found.context_window

    def _price(self, provider: str, model: str) -> Price | UnpricedReason:
        found = self._model(provider, model)
        return found if isinstance(found, str) else found.price

    def _model(self, provider: str, model: str) -> Model | UnpricedReason:
        with self._lock:
            found = self._models.get((provider, model))
            if found is None:
                found = self._models[provider, model] = self._look_up(provider, model)
            return found

    def _look_up(self, provider: str, model: str) -> Model | UnpricedReason:
        if OTHER in (provider, model):
            return "_OTHER"
        own = self._own.get(model)
        if own is not None and own.price and own.context_window:
            return own
        found = self._listed(provider, model)
        if own is None:
            return found
        if isinstance(found, str):
            return own
        return Model(own.price or found.price, own.context_window or found.context_window)

    def _listed(self, provider: str, model: str) -> Model | UnpricedReason:
        table = self._loaded_table()
        if not provider:
            return "no_provider"
        found = table(provider, model) if table else None
        return "unknown_model" if found is None else found

    def _loaded_table(self) -> PriceTable | None:
        if not self._loaded:
            # Before the attempt: what cannot be imported is not tried again at every scrape.
            self._loaded = True
            self._table = self._load()
        return self._table
