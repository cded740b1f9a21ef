"""The ways to spoil a provider, each played over a real connection, and mended at will."""

from __future__ import annotations

import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Protocol

from providers.simulation.faults import Fault
from providers.simulation.http_server import LOOPBACK
from tests.faults.certificates import Authority, Certificate
from tests.faults.front import Front, Script, relay
from tests.scenarios.harness import Providers

UNKNOWN_HOST = "provider.invalid"
"""A name that nobody has (RFC 6761 section 6.4)."""


class Names:
    """The names that this machine can resolve: those of before, and `UNKNOWN_HOST` once it is `known`."""

    def __init__(self) -> None:
        self.known = True
        self._resolve = socket.getaddrinfo

    def getaddrinfo(self, host: Any, *rest: Any, **options: Any) -> Any:
        """In place of `socket.getaddrinfo`: no test asks a name server."""
        if host not in (UNKNOWN_HOST, UNKNOWN_HOST.encode()):
            return self._resolve(host, *rest, **options)
        if not self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._resolve(LOOPBACK, *rest, **options)


@dataclass(frozen=True, slots=True)
class Place:
    """Who gets into trouble: a provider, in those of its requests whose path fits the shell pattern `path`."""

    name: str
    provider: str
    path: str = "*"


KARLA = Place("Karla", "karla")
PAYPAL = Place("PayPal", "paypal", "/v2/*")
TOKENS = Place("PayPal's token address", "paypal", "/v1/oauth2/*")
HYPERTRACK = Place("HyperTrack", "hypertrack")
BILLINK = Place("Billink", "billink")


@dataclass(frozen=True, slots=True)
class Stage:
    """What a trouble is played on: the simulators, an authority that is trusted, names, and who gets into trouble."""

    providers: Providers
    authority: Authority
    names: Names
    place: Place = KARLA

    @property
    def url(self) -> str:
        """The address of the provider's simulator."""
        return self.providers.settings[self.place.provider]["base_url"]

    def at(self, place: Place) -> Stage:
        """The same with the trouble there."""
        return replace(self, place=place)


class Scene(ABC):
    """A trouble ready to be played: the gateway asks the provider at `url`."""

    url: str

    @abstractmethod
    async def spoil(self) -> None:
        """From now on the provider is in trouble."""

    @abstractmethod
    async def mend(self) -> None:
        """From now on all is well."""

    @property
    @abstractmethod
    def arrived(self) -> int:
        """How many requests came to the place since `spoil`."""

    @property
    def most_taken(self) -> int:
        """The longest answer that the gateway let itself be sent, in bytes; 0 where that is not measured."""
        return 0


class Trouble(Protocol):
    """One way to spoil a provider."""

    def open(self, stage: Stage) -> AbstractAsyncContextManager[Scene]:
        """The trouble on that stage, not begun yet."""
        ...


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the simulator itself can do wrong."""

    fault: Fault

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncIterator[Scene]:
        yield _SimulatedScene(self.fault, stage)


class _SimulatedScene(Scene):
    def __init__(self, fault: Fault, stage: Stage) -> None:
        self.url = stage.url
        self._place = stage.place
        self._fault = fault.model_copy(update={"path": stage.place.path})
        self._providers = stage.providers

    async def spoil(self) -> None:
        self._providers.forget_calls()
        self._providers.fail(self._place.provider, fault=self._fault)

    async def mend(self) -> None:
        self._providers.mend(self._place.provider)

    @property
    def arrived(self) -> int:
        calls = self._providers.requests(self._place.provider)
        return sum(fnmatchcase(call.path, self._place.path) for call in calls)


@dataclass(frozen=True, slots=True)
class OnTheWire:
    """What a server does that is no simulator."""

    script: Script

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncIterator[Scene]:
        async with Front(stage.url, stage.place.path) as front:
            await front.listen()
            yield _ScriptedScene(front, self.script)


class _FrontScene(Scene):
    """A provider behind a front, where all is well."""

    def __init__(self, front: Front) -> None:
        self.url = front.url
        self._front = front

    async def spoil(self) -> None:
        pass

    async def mend(self) -> None:
        pass

    @property
    def arrived(self) -> int:
        return self._front.arrived

    @property
    def most_taken(self) -> int:
        return self._front.most_sent


class _ScriptedScene(_FrontScene):
    def __init__(self, front: Front, script: Script) -> None:
        super().__init__(front)
        self._script = script

    async def spoil(self) -> None:
        self._front.script = self._script

    async def mend(self) -> None:
        self._front.script = relay


@dataclass(frozen=True, slots=True)
class Refused:
    """Nobody listens at the provider's address."""

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncIterator[Scene]:
        async with Front(stage.url, stage.place.path) as front:
            yield _DeafScene(front)


class _DeafScene(_FrontScene):
    async def mend(self) -> None:
        await self._front.listen()


@dataclass(frozen=True, slots=True)
class UnknownHost:
    """The provider's name is known to no name server."""

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncIterator[Scene]:
        async with Front(stage.url, stage.place.path) as front:
            await front.listen()
            yield _NamelessScene(front, stage.names)


class _NamelessScene(_FrontScene):
    def __init__(self, front: Front, names: Names) -> None:
        super().__init__(front)
        self.url = f"http://{UNKNOWN_HOST}:{front.port}"
        self._names = names

    async def spoil(self) -> None:
        self._names.known = False

    async def mend(self) -> None:
        self._names.known = True


@dataclass(frozen=True, slots=True)
class BadCertificate:
    """The provider is reached over TLS and shows this certificate."""

    kind: Certificate

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncIterator[Scene]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        stage.authority.show(Certificate.GOOD, context)
        async with Front(stage.url, stage.place.path, context) as front:
            await front.listen()
            yield _CertifiedScene(front, stage.authority, self.kind, context)


class _CertifiedScene(_FrontScene):
    def __init__(self, front: Front, authority: Authority, kind: Certificate, context: ssl.SSLContext) -> None:
        super().__init__(front)
        self._authority = authority
        self._kind = kind
        self._context = context

    async def spoil(self) -> None:
        self._authority.show(self._kind, self._context)

    async def mend(self) -> None:
        self._authority.show(Certificate.GOOD, self._context)
