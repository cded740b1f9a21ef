"""Who is told of a shipment, and what each of them calls the order.

Whether a provider can be told, and when it is told without being named, follows from the Protocol that it keeps, never
from its name. All of it is decided before anything is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from gateway.orders.directory import Directory
from gateway.orders.identity import OrderIdentity, OrderKey
from gateway.orders.links import Problem
from gateway.orders.loaded import LoadedOrder
from gateway.orders.needs import Need, Part
from gateway.orders.registration.shipment import Shipment
from gateway.orders.service import OrderService
from gateway.orders.shops import RegistrationRules, Shop
from gateway.store.registrations import NewStep
from providers.base import OrderSink, OrderTrackerSink, Provider, RouteSink, TrackerSink
from providers.errors import OrderNotFound
from providers.models import Reference
from providers.registry import provider_specs

OPERATION = "register_shipment"


@dataclass(frozen=True, slots=True)
class Plan:
    """The order as far as it is known, and a step for each provider that is to be told."""

    identity: OrderIdentity
    steps: tuple[NewStep, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider that may be told, and what is known of the order there.

    `askable` is everything that it may call the order; `linked` what somebody tied to the order, or named it by.
    """

    provider: Provider
    shipment: Shipment
    rules: RegistrationRules
    is_order_source: bool
    own_name: OrderKey | None
    askable: tuple[Reference, ...] = ()
    linked: tuple[Reference, ...] = ()

    @property
    def name(self) -> str:
        return self.provider.profile.name

    @property
    def title(self) -> str:
        return self.provider.profile.title


@dataclass(frozen=True, slots=True)
class Role:
    """How providers that keep `protocol` take part.

    `references` are what the order is called there; `takes_part` whether it is told without being named; `problem` why
    it cannot be told. `needs_number`: what it calls the order follows from the order's number.
    """

    protocol: type
    references: Callable[[Candidate], tuple[Reference, ...]]
    takes_part: Callable[[Candidate], bool]
    problem: Callable[[Candidate], Problem | None]
    needs_number: bool = False


def _own_name(candidate: Candidate) -> tuple[Reference, ...]:
    name = candidate.own_name
    return (Reference(provider=candidate.name, kind=name.kind, value=name.value),) if name else ()


def _askable(candidate: Candidate) -> tuple[Reference, ...]:
    return candidate.askable


def _linked_or_askable(candidate: Candidate) -> tuple[Reference, ...]:
    return candidate.linked or candidate.askable


def _lacks_own_name(candidate: Candidate) -> Problem | None:
    return None if candidate.own_name else _reference_required(candidate)


def _lacks_reference(candidate: Candidate) -> Problem | None:
    return None if candidate.askable else _reference_required(candidate)


def _lacks_the_one_reference(candidate: Candidate) -> Problem | None:
    if len(_linked_or_askable(candidate)) > 1:
        return Problem(
            "AMBIGUOUS_REFERENCE",
            f"{candidate.title} knows this order by several references: name the order by the one that is meant.",
            "order",
        )
    return _lacks_reference(candidate)


def _lacks_route(candidate: Candidate) -> Problem | None:
    if candidate.shipment.route is not None:
        return None
    return Problem("BAD_USER_INPUT", f"{candidate.title} can only be told with a route.", "route")


def _reference_required(candidate: Candidate) -> Problem:
    return Problem(
        "REFERENCE_REQUIRED",
        f"What {candidate.title} calls this order is not known. Link it first, name the order by another key, or leave "
        "this provider out.",
        "order",
    )


ROLES: tuple[Role, ...] = (
    Role(
        OrderSink,
        references=_own_name,
        takes_part=lambda candidate: candidate.is_order_source,
        problem=_lacks_own_name,
    ),
    Role(
        OrderTrackerSink,
        # A split payment gives one order several references: which one it is, the captures tell.
        references=_askable,
        takes_part=lambda candidate: bool(candidate.askable),
        problem=_lacks_reference,
        needs_number=True,
    ),
    Role(
        TrackerSink,
        references=_linked_or_askable,
        takes_part=lambda candidate: bool(candidate.linked or (candidate.rules.always and candidate.askable)),
        problem=_lacks_the_one_reference,
        needs_number=True,
    ),
    Role(
        RouteSink,
        references=_askable,
        takes_part=lambda candidate: candidate.shipment.route is not None,
        problem=_lacks_route,
    ),
)
"""What providers can be told of a shipment, by the Protocol they keep; the first that fits is a provider's part."""


def role_of(provider: Provider) -> Role | None:
    """How `provider` takes part; None when it takes nothing that a shipment is told by."""
    return next((role for role in ROLES if isinstance(provider, role.protocol)), None)


class Planner:
    """Plans registrations, for the time of one operation."""

    def __init__(self, directory: Directory, orders: OrderService) -> None:
        self._directory = directory
        self._orders = orders

    async def plan(
        self, shop: Shop, key: OrderKey, shipment: Shipment, named: Collection[str] | None
    ) -> Plan | tuple[Problem, ...]:
        """Whom to tell: those `named`, or those that take part by themselves.

        Raises `OrderError` for a key that cannot be resolved; `OrderNotFound` and `ProviderError` when the order's
        number decides whom to tell and its source does not know it, or cannot be asked.
        """
        problems = tuple(problem for name in named or () if (problem := check_name(shop, name)))
        if problems:
            return problems
        names = tuple(dict.fromkeys(named)) if named is not None else tuple(shop.providers)
        identity = await self._identify(shop, key, names)
        candidates = [await self._candidate(shop, key, identity, shipment, name) for name in names]
        return choose(identity, candidates, shipment, are_named=named is not None)

    async def _identify(self, shop: Shop, key: OrderKey, names: Iterable[str]) -> OrderIdentity:
        identity = await self._directory.identify(shop, key)
        roles = [role_of(shop.providers[name]) for name in names]
        if identity.order_number or identity.best_name is None or shop.order_source is None:
            return identity
        return await self._numbered(shop, key) if any(role and role.needs_number for role in roles) else identity

    async def _numbered(self, shop: Shop, key: OrderKey) -> OrderIdentity:
        """The order as its source knows it: by its number, all links and most rules find it."""
        assert shop.order_source is not None
        need = Need(Part.ORDER_NUMBER)
        found = await self._orders.find(shop, key, [need])
        if isinstance(found, LoadedOrder) and found.identity.order_number is not None:
            return found.identity
        for failure in found.failures(need) if isinstance(found, LoadedOrder) else found.failures:
            raise failure
        if isinstance(found, LoadedOrder):  # its source gives it no number
            return found.identity
        raise OrderNotFound(shop.order_source.profile.name, OPERATION)

    async def _candidate(
        self, shop: Shop, key: OrderKey, identity: OrderIdentity, shipment: Shipment, name: str
    ) -> Candidate:
        provider = shop.providers[name]
        askable = await self._directory.askable(shop, identity, name)
        links = [link for link in await self._directory.links(identity) if link in askable]
        named_by = Reference(provider=name, kind=key.kind, value=key.value)
        return Candidate(
            provider=provider,
            shipment=shipment,
            rules=shop.registration.get(name, RegistrationRules()),
            is_order_source=provider is shop.order_source,
            own_name=identity.best_name,
            askable=askable,
            linked=(named_by,) if named_by in askable else tuple(links),
        )


def check_name(shop: Shop, name: str) -> Problem | None:
    """What is wrong with a provider that is to be told by its name."""
    if name not in provider_specs() and name not in shop.providers:
        return Problem("UNKNOWN_PROVIDER", f"No provider is called {name!r}.", "providers")
    if name not in shop.providers:
        return Problem("PROVIDER_NOT_CONFIGURED", f"Shop {shop.slug} has not configured {name}.", "providers")
    if role_of(shop.providers[name]) is None:
        title = shop.providers[name].profile.title
        return Problem("CAPABILITY_MISSING", f"{title} takes no shipments.", "providers")
    return None


def choose(
    identity: OrderIdentity, candidates: Iterable[Candidate], shipment: Shipment, *, are_named: bool
) -> Plan | tuple[Problem, ...]:
    """A step for each of `candidates` that takes part, all of them where they `are_named`; or why it cannot be."""
    parts = [(candidate, role) for candidate in candidates if (role := role_of(candidate.provider))]
    chosen = [(candidate, role) for candidate, role in parts if are_named or role.takes_part(candidate)]
    problems = [problem for candidate, role in chosen if (problem := role.problem(candidate))]
    if shipment.route is not None and not any(role.protocol is RouteSink for _candidate, role in chosen):
        problems.append(Problem("BAD_USER_INPUT", "None of the providers to be told sends drivers on routes.", "route"))
    if not chosen:
        problems.append(Problem("CAPABILITY_MISSING", "There is no provider to be told of this shipment.", "providers"))
    if problems:
        return tuple(problems)
    return Plan(identity, tuple(NewStep(candidate.name, role.references(candidate)) for candidate, role in chosen))
