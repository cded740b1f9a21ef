"""API keys: whom a key belongs to, and what it may do. The key itself is nowhere, only its hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from gateway.store.database import Database
from gateway.store.present import to_moment, to_moment_or_none
from gateway.store.tables import ApiKeyRow


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. `shops` None stands for every shop that there is; `digest` is the SHA-256 of the key, in hex."""

    id: str
    name: str | None
    digest: str
    shops: frozenset[str] | None
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether the key may be used at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class ApiKeys:
    """The keys of this gateway. Every method raises `StoreUnavailable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                insert(ApiKeyRow).values(
                    id=key.id,
                    name=key.name,
                    digest=key.digest,
                    shops=None if key.shops is None else sorted(key.shops),
                    scopes=sorted(key.scopes),
                    created_at=key.created_at.timestamp(),
                    expires_at=_to_seconds(key.expires_at),
                    revoked_at=_to_seconds(key.revoked_at),
                )
            )

    async def find(self, key_id: str) -> ApiKey | None:
        """The key of this id, whether or not it may still be used."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(ApiKeyRow).where(ApiKeyRow.id == key_id))).first()
        return _to_key(row) if row else None

    async def all(self) -> Sequence[ApiKey]:
        """Every key, the oldest first; those that were revoked, too."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(ApiKeyRow).order_by(ApiKeyRow.created_at, ApiKeyRow.id))
            return [_to_key(row) for row in rows]

    async def revoke(self, key_id: str, now: datetime) -> bool:
        """Take the key out of use for good; False when there is none. The first moment stays."""
        statement = (
            update(ApiKeyRow)
            .where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None))
            .values(revoked_at=now.timestamp())
        )
        async with self._database.writing() as connection:
            await connection.execute(statement)
        return await self.find(key_id) is not None


def _to_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        digest=row.digest,
        shops=None if row.shops is None else frozenset(row.shops),
        scopes=frozenset(row.scopes),
        created_at=to_moment(row.created_at),
        expires_at=to_moment_or_none(row.expires_at),
        revoked_at=to_moment_or_none(row.revoked_at),
    )


def _to_seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
