"""How agents are told apart where a panel has something of each: by more than the instance."""

from __future__ import annotations

OF_EACH = "environment, agent, instance"
NAME = "{{environment}} {{agent}} {{instance}}"
