"""The ways to spoil a provider, each played over a real connection, and mended at will."""

from __future__ import annotations

import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from providers.simulation.faults import Fault
from providers.simulation.http_server import LOOPBACK
from tests.faults.certificates import Authority, Certificate
from tests.faults.front import Front, Script, relay
from tests.scenarios.harness import Providers

UNKNOWN_HOST = "karla.invalid"
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
class Stage:
    """What a trouble is played on: Karla's simulator among the others, an authority that is trusted, and names."""

    providers: Providers
    authority: Authority
    names: Names

    @property
    def karla_url(self) -> str:
        return self.providers.settings["karla"]["base_url"]


class Scene(ABC):
    """A trouble ready to be played: the gateway asks Karla at `url`."""

    url: str

    @abstractmethod
    async def spoil(self) -> None:
        """From now on Karla is in trouble."""

    @abstractmethod
    async def mend(self) -> None:
        """From now on all is well."""

    @property
    @abstractmethod
    def arrived(self) -> int:
        """How many requests came to Karla since `spoil`."""

    @property
    def most_taken(self) -> int:
        """The longest answer that the gateway let itself be sent, in bytes; 0 where that is not measured."""
        return 0


class Trouble(Protocol):
    """One way to spoil Karla."""

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
        self.url = stage.karla_url
        self._fault = fault
        self._providers = stage.providers

    async def spoil(self) -> None:
        self._providers.forget_calls()
        self._providers.fail("karla", fault=self._fault)

    async def mend(self) -> None:
        self._providers.mend("karla")

    @property
    def arrived(self) -> int:
        return len(self._providers.received("karla"))


@dataclass(frozen=True, slots=True)
class OnTheWire:
    """What a server does that is no simulator."""

    script: Script

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncIterator[Scene]:
        async with Front(stage.karla_url) as front:
            await front.listen()
            yield _ScriptedScene(front, self.script)


class _FrontScene(Scene):
    """Karla behind a front, where all is well."""

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
    """Nobody listens at Karla's address."""

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncIterator[Scene]:
        async with Front(stage.karla_url) as front:
            yield _DeafScene(front)


class _DeafScene(_FrontScene):
    async def mend(self) -> None:
        await self._front.listen()


@dataclass(frozen=True, slots=True)
class UnknownHost:
    """Karla's name is known to no name server."""

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncIterator[Scene]:
        async with Front(stage.karla_url) as front:
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
    """Karla is reached over TLS and shows this certificate."""

    kind: Certificate

    @asynccontextmanager
    async def open(self, stage: Stage) -> AsyncIterator[Scene]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        stage.authority.show(Certificate.GOOD, context)
        async with Front(stage.karla_url, context) as front:
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
