"""The files of all groups, as what stands beside a Prometheus fetches them: kept in memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from psycopg import AsyncConnection

# One statement, and so of one moment: the version is that of these files.
_READ: Final = """
SELECT value, ARRAY(
    SELECT jsonb_build_object('id', id, 'name', name, 'revision', revision, 'content', content)
      FROM rule_groups WHERE content IS NOT NULL ORDER BY id
) FROM versions WHERE name = 'rules'
"""


@dataclass(frozen=True)
class Bundle:
    """The document as bytes, with its tag."""

    version: int
    body: bytes
    etag: str


class BundleFollower:
    """The bundle as the database had it when its version changed last; None until it was read."""

    version_name = "rules"

    def __init__(self) -> None:
        self.current: Bundle | None = None

    async def reload(self, connection: AsyncConnection[Any]) -> None:
        """Read the files of all groups."""
        cursor = await connection.execute(_READ)
        row = await cursor.fetchone()
        assert row is not None
        self.current = await asyncio.to_thread(assemble, *row)


def assemble(version: int, groups: list[dict[str, Any]]) -> Bundle:  # Any: JSON
    """The bundle of these groups, which have id, name, revision and content."""
    listed = [
        {
            "id": group["id"],
            "name": group["name"],
            "file": f"{group['id']}.yml",
            "revision": group["revision"],
            "content": group["content"],
        }
        for group in groups
    ]
    document = {"version": version, "groups": listed}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Bundle(version, body, f'"{hashlib.sha256(body).hexdigest()}"')
