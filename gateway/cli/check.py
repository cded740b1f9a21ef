"""`trackgraph check`: whether the settings are right and everything that they name can be reached."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.app import open_adapters, trusted_documents
from gateway.cli.failures import describe
from gateway.cli.output import print_table
from gateway.cli.serve import set_in_environment
from gateway.freshness.address import RedisAddress, parse_cache_url
from gateway.freshness.redis import RedisStorage
from gateway.freshness.sealing import NoSeal
from gateway.settings import ConfigurationError, Settings, load_settings
from gateway.store.database import Database, WrongSchema
from gateway.store.schema import SchemaState
from gateway.telemetry import configure_logging
from providers.base import Provider

LIMIT_SECONDS = 5.0
"""Longest that one thing is waited for: as long as a call to a provider may take when the gateway serves."""

_SCHEMA_DETAILS = {
    SchemaState.EMPTY: "empty: the first start makes its schema",
    SchemaState.CURRENT: "schema version {version}",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of trying one thing. `shop` is empty for what shops share."""

    shop: str
    subject: str
    ok: bool
    detail: str
    milliseconds: int

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        return self.shop, self.subject, "ok" if self.ok else "failed", self.detail, f"{self.milliseconds} ms"


def check(config: Path | None) -> bool:
    """Print what came of trying everything, and answer whether all of it is well."""
    set_in_environment(config=config)
    settings = load_settings(os.environ)
    configure_logging("error")
    findings = asyncio.run(try_everything(settings))
    print_table("Checked", ("shop", "subject", "result", "detail", "time"), [finding.row for finding in findings])
    return all(finding.ok for finding in findings)


async def try_everything(settings: Settings) -> list[Finding]:
    """Try the manifest, then store, cache and providers at the same time; in the order of the settings.

    One finding each, but for a manifest with documents that cannot run: one for each of those.
    """
    documents = _try_documents(settings)
    async with open_adapters(settings) as adapters:
        reached = await asyncio.gather(
            _try("", "store", _ask_store(settings)),
            _try("", "cache", _ask_cache(settings)),
            *_provider_trials(adapters),
        )
    return [*documents, *reached]


def _try_documents(settings: Settings) -> list[Finding]:
    """What came of reading the manifest of trusted documents; nothing where there is none."""
    if settings.documents.manifest is None:
        return []
    finding = _timed("", "documents")
    try:
        documents = trusted_documents(settings)
    except ConfigurationError as error:
        return [finding(False, problem) for problem in error.problems]
    return [finding(True, f"{len(documents)} can be run")]


def _provider_trials(adapters: Mapping[tuple[str, str], Provider]) -> list[Awaitable[Finding]]:
    return [_try(shop, name, adapter.check()) for (shop, name), adapter in adapters.items()]


async def _try(shop: str, subject: str, asked: Awaitable[str]) -> Finding:
    """What came of `asked`, whatever it raises: an adapter may be a third party's, and the others' findings count."""
    finding = _timed(shop, subject)
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            return finding(True, await asked)
    except Exception as error:  # noqa: BLE001
        return finding(False, describe(error))


def _timed(shop: str, subject: str) -> Callable[[bool, str], Finding]:
    """What makes the findings about `subject`, which is being tried from now on."""
    started = time.perf_counter()

    def finding(ok: bool, detail: str) -> Finding:
        return Finding(shop, subject, ok, detail, round((time.perf_counter() - started) * 1000))

    return finding


async def _ask_store(settings: Settings) -> str:
    database = Database(settings.store.url.get_secret_value())
    try:
        schema = await database.schema()
    finally:
        await database.aclose()
    if schema.refusal:
        raise WrongSchema(schema.refusal)
    return f"{database.dialect}, {_SCHEMA_DETAILS[schema.state].format(version=schema.version)}"


async def _ask_cache(settings: Settings) -> str:
    address = parse_cache_url(settings.cache.url.get_secret_value())
    if not isinstance(address, RedisAddress):
        return "memory of the process"
    storage = RedisStorage(address, settings.cache.key_prefix, NoSeal())
    try:
        await storage.ping()
    finally:
        await storage.aclose()
    return "shared, answers"
