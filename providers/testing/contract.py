"""The claims that every adapter keeps, as one test class to inherit from. Knows the Protocols, and no provider."""

from __future__ import annotations

import asyncio
import json
import re
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from inspect import getdoc
from typing import Any, ClassVar, get_args, get_type_hints

import httpx
import pytest
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from providers.base import PROTOCOLS, Provider, ProviderContext, ProviderSettings
from providers.errors import InvalidProviderResponse, ProviderError
from providers.models import TrackingStatus
from providers.parsing import web_url
from providers.references import ReferenceTemplate
from providers.testing.api import Answer, ApiDouble, Failure, SentRequest
from providers.testing.cases import NOW, ContractCase, Operation, StatusTable, without
from providers.testing.faults import FAULTS, PROSE, Fault
from providers.testing.ledger import MemoryLedger

UNKNOWN_WORD = "a word that no table knows"
CALLERS = 50

_JSON: TypeAdapter[object] = TypeAdapter(object)


def as_json(answer: object) -> JsonValue:
    """What an adapter answered as JSON, without what it left empty: the form in which a case states it."""
    dumped: JsonValue = _JSON.dump_python(answer, mode="json", exclude_none=True, serialize_as_any=True)
    return dumped


def answer_codec(method: str) -> TypeAdapter[Any]:
    """How the answer of a Protocol's method is written to the cache and read again."""
    protocol = next(protocol for protocol in PROTOCOLS.values() if hasattr(protocol, method))
    return TypeAdapter(get_type_hints(getattr(protocol, method))["return"])


def _exempt(names: str, case: ContractCase) -> Any:
    """A claim that the case has nothing to show for; its report says why."""
    reason = case.without_statuses or "the case has no such rows"
    return pytest.param(*(None for _ in names.split(",")), marks=pytest.mark.skip(reason=reason))


class ProviderContract:
    """Inherit, and set `case`. Override `build` to hold a wrapper around the adapter to the same claims."""

    case: ClassVar[ContractCase]

    def build(self, settings: ProviderSettings, context: ProviderContext) -> Provider:
        """What is held to the contract."""
        return self.case.spec.build(settings, context)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test for each operation, fault, required member and status word of the case."""
        for names, rows in _ROWS.items():
            if set(names.split(",")) <= set(metafunc.fixturenames):
                found = tuple(rows(self.case))
                metafunc.parametrize(names, found or [_exempt(names, self.case)])
                return

    @asynccontextmanager
    async def adapter(self, api: ApiDouble) -> AsyncIterator[Provider]:
        """The adapter over `api`; afterwards its client is still open and every answer was closed."""
        ledger = MemoryLedger(self.case.ledger)
        async with httpx.AsyncClient(transport=api.transport, base_url=self.case.base_url) as client:
            context = ProviderContext(client=client, clock=lambda: NOW, ledger=ledger)
            yield self.build(self.settings(), context)
            assert not client.is_closed, "the client is not the adapter's to close"
        assert all(stream.closed for stream in api.streams), "an answer was left open"

    def settings(self) -> ProviderSettings:
        return self.case.spec.settings.model_validate(self.case.settings)

    def api(self, operation: Operation) -> ApiDouble:
        """Plays the operation's exchanges; where one of them fetches the token, that is part of the claim."""
        return ApiDouble(operation.exchanges, None if self.case.token in operation.exchanges else self.case.token)

    async def failed(self, operation: Operation, failure: Failure) -> tuple[ProviderError | None, ApiDouble]:
        """The error of `operation` when its API fails so, or None when it answers all the same."""
        api = self.api(operation)
        api.failure = failure
        async with self.adapter(api) as adapter:
            try:
                await operation.call(adapter)
            except ProviderError as error:
                return error, api
        return None, api

    # Identity

    async def test_says_who_it_is(self) -> None:
        """The adapter's profile is the spec's, and states facts that can be used."""
        profile = self.case.spec.profile
        async with self.adapter(ApiDouble(())) as adapter:
            assert adapter.profile == profile
        assert re.fullmatch(r"[a-z][a-z0-9_]*", profile.name)
        assert profile.title
        assert profile.times
        assert web_url(profile.documentation)
        assert profile.concurrency >= 1
        assert profile.trust >= 0

    def test_names_its_references(self) -> None:
        """Kinds have distinct names, a usable pattern, and those that orders are found by are among them."""
        profile = self.case.spec.profile
        kinds = [kind.name for kind in profile.reference_kinds]
        assert len(kinds) == len(set(kinds))
        assert set(profile.finds_by) <= set(kinds)
        assert all(re.compile(kind.pattern) and kind.title for kind in profile.reference_kinds)

    def test_rules_are_settings(self) -> None:
        """The rule of a reference kind names a setting that holds a template."""
        settings = self.settings()
        for kind in self.case.spec.profile.reference_kinds:
            assert kind.rule is None or isinstance(getattr(settings, kind.rule), ReferenceTemplate)

    async def test_shows_no_secret(self) -> None:
        """Neither the settings nor the adapter show a secret when they are printed."""
        settings = self.settings()
        async with self.adapter(ApiDouble(())) as adapter:
            shown = (
                f"{settings!r} {settings} {adapter!r} {adapter} {settings.model_dump_json()} {settings.model_dump()}"
            )
        assert self.case.secrets, "name the secrets of the settings"
        assert not [secret for secret in self.case.secrets if secret in shown]

    def test_settings_refuse_what_they_do_not_know(self) -> None:
        """An unknown key is refused, the settings cannot be changed, and no refusal quotes what was given."""
        with pytest.raises(ValidationError) as refused:
            self.case.spec.settings.model_validate({**self.case.settings, "no_such_key": "some-secret"})
        assert "some-secret" not in str(refused.value)
        first = next(iter(type(self.settings()).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(self.settings(), first, None)

    # Capabilities

    async def test_declares_what_it_implements(self) -> None:
        """The declared capabilities are exactly the Protocols that the adapter implements."""
        async with self.adapter(ApiDouble(())) as adapter:
            implemented = {each for each, protocol in PROTOCOLS.items() if isinstance(adapter, protocol)}
        assert implemented == self.case.spec.profile.capabilities
        assert implemented

    def test_every_method_is_under_contract(self) -> None:
        """The case has an operation for `check` and for every method of every declared capability."""
        declared = [PROTOCOLS[each] for each in self.case.spec.profile.capabilities]
        methods = {name for protocol in declared for name in vars(protocol) if not name.startswith("_")}
        assert {each.method for each in self.case.operations} == {"check", *methods}

    # Requests and answers

    async def test_sends_what_is_documented(self, operation: Operation) -> None:
        """Method, path, query, headers and body of every request are those of the case, and there are no others."""
        api = self.api(operation)
        async with self.adapter(api) as adapter:
            await operation.call(adapter)
        assert api.sent_as(operation.exchanges) == _requests(operation)
        if self.case.token and operation.exchanges and self.case.token not in operation.exchanges:
            assert api.tokens_as(self.case.token) == (self.case.token.request,)

    async def test_answers_what_was_recorded(self, operation: Operation) -> None:
        """The recorded bodies become the domain objects that the case expects."""
        async with self.adapter(self.api(operation)) as adapter:
            answer = await operation.call(adapter)
        assert as_json(answer) == operation.expected

    async def test_answers_can_be_kept(self, operation: Operation) -> None:
        """An answer survives being written as JSON and read again, as the cache does, with every offset in it."""
        async with self.adapter(self.api(operation)) as adapter:
            answer = await operation.call(adapter)
        codec = answer_codec(operation.method)
        document = codec.dump_json(answer)
        kept = codec.validate_json(document)
        assert kept == answer
        assert codec.dump_json(kept) == document

    async def test_maps_every_status(self, table: StatusTable, word: str) -> None:
        """Every word of the provider has the status that the table gives it, and is kept beside it."""
        assert await self._status_of(table, word) == (table.words[word], word)

    async def test_guesses_no_status(self, table: StatusTable) -> None:
        """A word that no table knows is UNKNOWN, and is kept."""
        assert await self._status_of(table, UNKNOWN_WORD) == (TrackingStatus.UNKNOWN, UNKNOWN_WORD)

    def test_has_a_status_table_or_a_reason(self) -> None:
        """A provider without status words says why."""
        assert bool(self.case.statuses) != bool(self.case.without_statuses)

    async def _status_of(self, table: StatusTable, word: str) -> tuple[TrackingStatus, str | None]:
        def speak(_request: httpx.Request, recorded: Answer) -> Answer:
            body = table.put(json.loads(recorded.body), word)
            return Answer(recorded.status, json.dumps(body).encode(), recorded.headers)

        operation = self.case.operation(table.operation)
        api = self.api(operation)
        api.failure = speak
        async with self.adapter(api) as adapter:
            return table.read(await operation.call(adapter))

    # Failures

    async def test_every_failure_is_one_error(self, asking: Operation, fault: Fault) -> None:
        """A failure becomes exactly the error class that is stated for it, with its facts."""
        expected = asking.errors.get(fault.name, fault.error)
        error, _ = await self.failed(asking, fault.failure)
        assert (type(error) if error else None) is expected
        if error is not None:
            assert error.provider == self.case.spec.profile.name
        if expected is fault.error:
            assert {name: getattr(error, name) for name in fault.facts} == fault.facts

    async def test_no_error_tells_tales(self, asking: Operation, fault: Fault) -> None:
        """Neither the provider's prose nor a secret is part of an error, its members or what it says of its cause."""
        error, _ = await self.failed(asking, fault.failure)
        if error is None:
            return
        own_words = f"{error} {error!r} {error.message} {vars(error)}"
        assert PROSE not in own_words
        told = own_words + "".join(traceback.format_exception(error))
        assert not [secret for secret in self.case.secrets if secret in told]

    async def test_needs_what_it_cannot_do_without(self, asking: Operation, member: tuple[str | int, ...]) -> None:
        """A body without a required member cannot be used."""

        def failure(_request: httpx.Request, recorded: Answer) -> Answer:
            body = without(json.loads(recorded.body), member)
            return Answer(recorded.status, json.dumps(body).encode(), recorded.headers)

        error, _ = await self.failed(asking, failure)
        assert isinstance(error, InvalidProviderResponse)
        assert error.reason == "wrong_shape"

    # Many callers

    @pytest.mark.parametrize("hangs_in_body", [False, True], ids=["before_headers", "in_body"])
    async def test_cancellation_passes_through(self, asking: Operation, hangs_in_body: bool) -> None:
        """A caller that goes away is let go at once, and the next one is answered."""
        api = self.api(asking)
        api.gate, api.hangs_in_body = asyncio.Event(), hangs_in_body
        async with self.adapter(api) as adapter:
            call = asyncio.ensure_future(asking.call(adapter))
            await api.arrived.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            api.gate.set()
            assert as_json(await asking.call(adapter)) == asking.expected

    async def test_answers_many_at_once(self, operation: Operation) -> None:
        """Fifty callers at once each get the answer; a token is fetched once, and what is to be asked once is."""
        api = self.api(operation)
        async with self.adapter(api) as adapter:
            answers = await asyncio.gather(*(operation.call(adapter) for _ in range(CALLERS)))
        assert [as_json(answer) for answer in answers] == [operation.expected] * CALLERS
        if operation.asks_once:
            assert api.sent_as(operation.exchanges) == _requests(operation)
        assert len(api.token_requests) <= 1

    # Documentation

    async def test_is_documented(self) -> None:
        """The adapter and each of its public methods say in a docstring of their own what they promise."""
        async with self.adapter(ApiDouble(())) as adapter:
            kind = type(adapter)
        public = [value for name, value in vars(kind).items() if not name.startswith("_") and callable(value)]
        assert getdoc(kind)
        assert [method.__name__ for method in public if not method.__doc__] == []

    def test_every_setting_is_described(self) -> None:
        """Every setting, nested ones too, has a description."""
        assert list(_without_description(self.case.spec.settings)) == []


def _requests(operation: Operation) -> tuple[SentRequest, ...]:
    return tuple(exchange.request for exchange in operation.exchanges)


def _without_description(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if not field.description:
            yield f"{model.__name__}.{name}"
        for nested in (field.annotation, *get_args(field.annotation)):
            if isinstance(nested, type) and issubclass(nested, BaseModel):
                yield from _without_description(nested)


def _asking(case: ContractCase) -> Iterator[Operation]:
    """The operations that send a request; what is read from our own store cannot fail on the wire."""
    return (operation for operation in case.operations if operation.exchanges)


def _faults(case: ContractCase) -> Iterator[Any]:
    for operation in _asking(case):
        for fault in FAULTS:
            yield pytest.param(operation, fault, id=f"{operation.name}-{fault.name}")


def _members(case: ContractCase) -> Iterator[Any]:
    for operation in _asking(case):
        for member in operation.required:
            yield pytest.param(operation, member, id=f"{operation.name}-{'.'.join(map(str, member))}")


def _words(case: ContractCase) -> Iterator[Any]:
    for table in case.statuses:
        for word in table.words:
            yield pytest.param(table, word, id="-".join(filter(None, (table.operation, table.label, word))))


def _tables(case: ContractCase) -> Iterator[Any]:
    for table in case.statuses:
        yield pytest.param(table, id="-".join(filter(None, (table.operation, table.label))))


_ROWS: Mapping[str, Callable[[ContractCase], Iterator[Any]]] = {
    "asking,fault": _faults,
    "asking,member": _members,
    "table,word": _words,
    "table": _tables,
    "asking": lambda case: (pytest.param(each, id=each.name) for each in _asking(case)),
    "operation": lambda case: (pytest.param(each, id=each.name) for each in case.operations),
}
"""What each claim is run for, by the names of its arguments."""
