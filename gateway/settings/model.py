"""What can be set, as frozen models: the one place where a setting is named, typed, bounded and described.

Knows nothing of files, variables or command lines; `gateway.settings.sources` reads those. The tables of shops have one
optional field for each provider that is plugged in, so a third party's settings are checked as our own are.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import GenericAlias
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    create_model,
    field_validator,
    model_validator,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from gateway.auth.settings import JwtSettings, OrderTokenSettings
from gateway.freshness.settings import CacheSettings, FreshnessSettings
from gateway.resilience.settings import ResilienceSettings
from gateway.schema.settings import LimitSettings
from gateway.telemetry import LogFormat
from gateway.telemetry.settings import TracingSettings
from providers.base import ProviderSettings
from providers.registry import provider_specs

ShopSlug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)]
"""What a shop is called in settings, ids and the `shop` argument."""


class SettingsTable(BaseModel):
    """Base of every table: frozen, no unknown key passes, and no error repeats a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _listed(value: object) -> object:
    """A list, from a variable too: there its members stand with commas between them."""
    return [member.strip() for member in value.split(",") if member.strip()] if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Several texts: a list in a file, with commas in a variable."""


class Mode(StrEnum):
    """Whom the gateway is run for."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class AuthMode(StrEnum):
    """How a client proves who it is."""

    NONE = "none"
    REQUIRED = "required"


class StoreSettings(SettingsTable):
    """Where that is kept which must outlive the process."""

    url: SecretStr = Field(
        default=SecretStr("sqlite+aiosqlite:///trackgraph.db"),
        description="SQLAlchemy URL of the database, with an asyncio driver: SQLite, or PostgreSQL for several "
        "machines (`postgresql+asyncpg://user:password@host/database`).",
    )
    retention_days: int = Field(
        default=90,
        ge=3,
        le=3650,
        description="How long registrations that are finished, answers kept under idempotency keys, and media of "
        "invoice trackers are kept. Idempotency keys hold for 72 hours at least, hence 3 days at least.",
    )

    @field_validator("url")
    @classmethod
    def _has_asyncio_driver(cls, url: SecretStr) -> SecretStr:
        try:
            dialect = make_url(url.get_secret_value()).get_dialect()
        except (ArgumentError, NoSuchModuleError):
            raise ValueError("should be a URL such as sqlite+aiosqlite:///trackgraph.db") from None
        if not dialect.is_async:
            raise ValueError("should name an asyncio driver, such as sqlite+aiosqlite or postgresql+asyncpg")
        try:
            dialect.import_dbapi()
        except ImportError:
            raise ValueError(f"needs the Python package {dialect.driver}, which is not installed") from None
        return url


class AuthSettings(SettingsTable):
    """Who may ask."""

    mode: AuthMode = Field(
        default=AuthMode.NONE,
        description="How clients prove who they are. With `required` each request carries a bearer token: an API key "
        "(`trackgraph keys`), a JWT, or an order token. With `none` everyone who reaches the port may ask and write, "
        "so it is refused unless `server.host` is a loopback address or `auth.allow_public` is true.",
    )
    allow_public: bool = Field(
        default=False,
        description="Serve without authentication on an address that others can reach. Only behind something that "
        "lets the right callers through.",
    )
    jwt: JwtSettings | None = Field(default=None, description="JSON Web Tokens of an identity provider.")
    order_tokens: OrderTokenSettings | None = Field(default=None, description="Tokens for one order.")


class ServerSettings(SettingsTable):
    """How the gateway is reached, and how long and how much a request may take."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processes that answer. More than one needs a cache that they share (`cache.url`).",
    )
    mode: Mode | None = Field(
        default=None,
        description="`production` turns introspection, GraphiQL and suggestions in errors off. Left out: `development` "
        "when `auth.mode` is `none` on a loopback address, else `production`.",
    )
    max_body_bytes: int = Field(
        default=1024 * 1024,
        ge=1024,
        description="Longest request body that is read, in bytes; a longer one is refused with 413.",
    )
    body_seconds: float = Field(
        default=10.0,
        gt=0,
        description="Longest that a request body may take to arrive; a slower one is refused with 408.",
    )
    max_in_flight: int = Field(
        default=256,
        ge=1,
        description="Most queries that each worker has in flight, those that wait for a provider or for their body "
        "too; further ones are refused with 503 and `Retry-After`.",
    )
    get_queries: bool = Field(
        default=True,
        description="Answer queries that are sent by GET, which caches can keep. Mutations never run by GET.",
    )
    query_deadline_seconds: float = Field(
        default=8.0,
        gt=0,
        description="Longest that a whole query may take; what has not been answered by then is an error.",
    )
    call_deadline_seconds: float = Field(
        default=5.0,
        gt=0,
        le=5.5,
        description="Longest that one call to a provider may take. At most 5.5: an attempt at a registration (9 s, and "
        "a call that was begun at its end) has to be over before its lease of 15 s is.",
    )
    certificate_authorities: str | None = Field(
        default=None,
        min_length=1,
        description="PEM file of authorities whose certificates are trusted beside those of certifi, when providers "
        "and the identity provider are called: for one that is hosted in-house, or a proxy that ends TLS. It is read "
        "at start. A relative path is taken from the working directory.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe event that is logged."
    )
    log_format: LogFormat = Field(
        default="text", description="How a line of the log is written: for people, or as a JSON object."
    )
    compile_queries: bool = Field(
        default=True,
        description="Turn a query that is run the second time into a program of its own, which takes a tenth of the "
        "time. Answers are the same without it.",
    )
    access_log: bool = Field(
        default=False,
        description="Log a line for every request: method, address without its query, status and time.",
    )
    metrics: bool | None = Field(
        default=None,
        description="Serve figures for Prometheus at `/metrics`, to whoever can reach the port. They hold the shops' "
        "names and how much is asked, and no order. Left out: only when `server.mode` is `development`.",
    )
    hosts: Texts = Field(
        default=(),
        description="Names that the gateway answers to, without a port, beside `localhost`, `127.0.0.1`, `[::1]` and "
        "`server.host`; `*` for any. A request to another name is refused with 421. Left out: any name, but where "
        "`auth.mode` is `none` and `server.host` a loopback address none beside those, so that no page can read "
        "orders by having its own name resolve to this machine (DNS rebinding). Health is told under every name.",
    )
    clients: Texts = Field(
        default=(),
        max_length=100,
        description="Names of clients that metrics and logs tell apart, as these send them in "
        "`apollographql-client-name` or `x-client-name`; every other one is `other`.",
    )

    @field_validator("hosts")
    @classmethod
    def _are_hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        if not all(host == "*" or _HOST.fullmatch(host) for host in hosts):
            raise ValueError("should be names or addresses in lower case without a port, such as orders.example.com")
        return tuple(host.strip("[]") for host in hosts)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach `host`: 127.0.0.0/8, ::1 or localhost (RFC 6761 section 6.3)."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")

_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names that no page of another site can have: a browser never asks anybody what they stand for."""


class RateLimitSettings(SettingsTable):
    """How many requests each caller may send: each API key, each subject of JWTs, and each order by its tokens.

    With `auth.mode = "none"` a caller is an address, of IPv6 its first 64 bits. Workers with a shared cache count
    together.
    """

    requests_per_minute: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Most requests to `/graphql` that a caller may send in a minute, at an even pace; further ones are "
        "refused with 429 and `Retry-After`. A caller is an API key, the subject of a JWT, or the order of an order "
        "token; with `auth.mode` `none`, an address. 0 is no limit.",
    )
    burst: int | None = Field(
        default=None,
        ge=1,
        description="How many of them may come at once after a pause. Left out: those of a whole minute.",
    )

    @model_validator(mode="after")
    def _burst_is_in_the_minute(self) -> Self:
        if self.requests_per_minute and (self.burst or 0) > self.requests_per_minute:
            raise ValueError("burst should be at most requests_per_minute")
        return self


class CorsSettings(SettingsTable):
    """Which web pages may read answers. Credentials are never allowed, and no cookie is read."""

    allow_origins: Texts = Field(
        default=(),
        description="Origins whose pages may send queries and read the answers, such as `https://shop.example`; `*` "
        "for all. None by default: pages of the gateway's own origin, such as GraphiQL, need no permission.",
    )
    allow_headers: Texts = Field(
        default=(),
        description="Request headers that those pages may send, beside the ones that the gateway reads.",
    )
    max_age_seconds: int = Field(
        default=600, ge=0, le=86400, description="How long a browser may remember what it was allowed."
    )

    @field_validator("allow_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        # Browsers send origins in lower case without a path; one written otherwise would never match.
        if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in origins):
            raise ValueError("should be origins in lower case, such as https://shop.example or http://localhost:3000")
        return origins


_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


class DocumentSettings(SettingsTable):
    """Documents that clients name instead of sending them (persisted documents)."""

    manifest: str | None = Field(
        default=None,
        min_length=1,
        description="File of trusted documents, as JSON: Apollo's persisted query manifest, or Relay's map of ids to "
        "texts. It is read and checked at start. A relative path is taken from the working directory.",
    )
    only_trusted: bool = Field(
        default=False, description="Run the documents of the manifest and nothing else. GraphiQL is of no use then."
    )
    automatic: bool = Field(
        default=True,
        description="Keep documents that clients send with their hash, so that the hash alone will do the next time "
        "(Apollo's automatic persisted queries).",
    )

    @model_validator(mode="after")
    def _trusts_something(self) -> Self:
        if self.only_trusted and self.manifest is None:
            raise ValueError("only_trusted needs a manifest, or nothing could be run")
        return self


class ShopSettings(SettingsTable):
    """One shop. Each provider that is plugged in is an optional table of its own (`shop_model`)."""

    name: str | None = Field(
        default=None, min_length=1, description="The shop's name as people read it; left out: its slug."
    )

    @property
    def providers(self) -> Mapping[str, ProviderSettings]:
        """The settings of each provider that this shop uses, by the provider's name, in order of trust."""
        tables = {name: getattr(self, name, None) for name in provider_specs()}
        return {name: table for name, table in tables.items() if isinstance(table, ProviderSettings)}


class Settings(SettingsTable):
    """Everything that can be set. Made by `load_settings` or `parse_settings`, never directly."""

    store: StoreSettings = Field(default_factory=StoreSettings)
    cache: CacheSettings = Field(default_factory=CacheSettings)
    freshness: FreshnessSettings = Field(default_factory=FreshnessSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    rate_limits: RateLimitSettings = Field(default_factory=RateLimitSettings)
    resilience: ResilienceSettings = Field(default_factory=ResilienceSettings)
    cors: CorsSettings = Field(default_factory=CorsSettings)
    documents: DocumentSettings = Field(default_factory=DocumentSettings)
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    shops: dict[ShopSlug, ShopSettings] = Field(default_factory=dict)

    @property
    def mode(self) -> Mode:
        """`server.mode`, or what it is when left out."""
        if self.server.mode is not None:
            return self.server.mode
        private = self.auth.mode is AuthMode.NONE and self.server.is_loopback
        return Mode.DEVELOPMENT if private else Mode.PRODUCTION

    @property
    def answered_hosts(self) -> frozenset[str] | None:
        """The names in `Host` that are answered to, in lower case, IPv6 without brackets; None stands for any."""
        server = self.server
        private = self.auth.mode is AuthMode.NONE and server.is_loopback
        if "*" in server.hosts or not (server.hosts or private):
            return None
        return _LOOPBACK_HOSTS | {server.host.strip("[]").lower(), *server.hosts}

    @property
    def serves_metrics(self) -> bool:
        """`server.metrics`, or what it is when left out."""
        return self.mode is Mode.DEVELOPMENT if self.server.metrics is None else self.server.metrics


@cache
def shop_model() -> type[ShopSettings]:
    """`ShopSettings` with one optional table for each provider that is plugged in."""
    tables: dict[str, Any] = {
        name: (spec.settings | None, Field(default=None, description=spec.profile.title))
        for name, spec in provider_specs().items()
    }
    return create_model("ShopSettings", __base__=ShopSettings, **tables)


@cache
def settings_model() -> type[Settings]:
    """`Settings` whose shops are `shop_model()`."""
    shops: Any = (GenericAlias(dict, (ShopSlug, shop_model())), Field(default_factory=dict))
    return create_model("Settings", __base__=Settings, shops=shops)
