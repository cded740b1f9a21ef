"""Registrations: shipments that several providers are told of, and how far each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

import strawberry
from strawberry import Info

from gateway.orders import shops
from gateway.orders.identity import OrderIdentity, OrderKey, OrderName
from gateway.orders.loaded import LoadedOrder
from gateway.orders.needs import Need, Part
from gateway.orders.registration.shipment import StepOutcome
from gateway.schema.context import Context, told
from gateway.schema.cursors import write_registration_cursor
from gateway.schema.enums import StepState
from gateway.schema.fields import delegated, resolved
from gateway.schema.ids import GlobalId
from gateway.schema.nodes import find_node
from gateway.schema.registration_refusals import outcome_of, step_errors
from gateway.schema.selection import path_of
from gateway.schema.types.connection import PageInfo
from gateway.schema.types.nodes import Node
from gateway.schema.types.order import Order
from gateway.schema.types.payloads import OrderPayload, Payload, UserError, read_order
from gateway.schema.types.provider import Provider, provider_of
from gateway.schema.types.tracking import Tracking, tracking_id, tracking_type
from gateway.store import registrations
from providers import models


@strawberry.type(description="How far one provider's part of a registration is.")
class RegistrationOutcome:
    shop: strawberry.Private[shops.Shop]
    registration: strawberry.Private[registrations.Registration]
    step: strawberry.Private[registrations.Step]

    state: StepState = delegated("step.state", "The state in one word.")
    attempts: int = delegated("step.attempts", "How often it was tried, an attempt that is being made included.")
    updated_at: datetime = delegated("step.updated_at", "When the state was last written.")

    @resolved("Who is told.")
    def provider(self) -> Provider:
        return provider_of(self.shop, self.step.provider)

    @resolved("When a PENDING one is tried next; in the past while it is being tried. Null for any other.")
    def next_attempt_at(self) -> datetime | None:
        return self.step.due_at if self.step.state is StepState.PENDING else None

    @resolved(
        "What was made, as the provider shows it now; asks for it. Null until it is DONE, while the provider does not "
        "show it, and where the shop does not have the provider any more."
    )
    async def tracking(self, info: Info[Context]) -> Tracking | None:
        if self.step.state is not StepState.DONE or self.step.provider not in self.shop.providers:
            return None
        made = self._outcome.made
        return await (self._find_parcel(info) if made is None else self._find(info, made))

    @resolved(
        "Why it is not done: what refused it, each with the way into the input of `registerShipment`, or without one "
        "what went wrong with the last attempt. Empty when it is done, or was not tried yet."
    )
    def user_errors(self) -> list[UserError]:
        if self.step.state is StepState.DONE:
            return []
        return step_errors(self._outcome, self.step.provider, self.shop)

    @cached_property
    def _outcome(self) -> StepOutcome:
        return outcome_of(self.step)

    async def _find(self, info: Info[Context], made: models.Tracking) -> Tracking | None:
        """What the provider told that it made, read again."""
        identity = OrderIdentity(self.shop.slug, order_number=self.registration.order_number)
        node_id = tracking_id(made, LoadedOrder(self.shop, identity, None, {}, ()))
        found = await find_node(info, str(node_id), path_of(info._raw_info))
        return found if isinstance(found, Tracking) else None

    async def _find_parcel(self, info: Info[Context]) -> Tracking | None:
        """The order's parcel with the shipment's number, at a provider that does not tell what it made (Karla)."""
        need = Need(Part.TRACKINGS, frozenset({self.step.provider}))
        with told():
            identity = await info.context.directory.identify(self.shop, order_key(self.registration))
        order = await info.context.orders.load(self.shop, identity, [need])
        for error in order.failures(need):
            info.context.report(error, path_of(info._raw_info))
        wanted = _spelt_alike(tracking_number_of(self.registration))
        parcels = (parcel for parcel in order.trackings(need) or () if _spelt_alike(parcel.tracking_number) == wanted)
        return next((tracking_type(parcel, order) for parcel in parcels), None)


@strawberry.type(description="A shipment that was accepted, and is told to every provider that has to know of it.")
class Registration(Node):
    shop: strawberry.Private[shops.Shop]
    model: strawberry.Private[registrations.Registration]

    created_at: datetime = delegated("model.created_at", "When it was accepted: from then on it is not lost.")
    finished_at: datetime | None = delegated(
        "model.finished_at", "When nothing was left to try by itself; null while an outcome is PENDING."
    )
    dismissed_at: datetime | None = delegated("model.dismissed_at", "When somebody gave it up.")
    dismissed_reason: str | None = delegated("model.dismissed_reason", "Why, in the words of whoever gave it up.")

    @resolved("Global id; opaque, and the same whichever way it was reached.")
    def id(self) -> strawberry.ID:
        return strawberry.ID(str(GlobalId(Registration.__name__, self.shop.slug, (self.model.id,))))

    @resolved("The order as it is now; asks for what is selected on it. Null while no provider shows it.")
    async def order(self, info: Info[Context]) -> Order | None:
        return await read_order(info, self.shop, order_key(self.model), path_of(info._raw_info))

    @resolved("The carrier's number of the parcel, as it was registered.")
    def tracking_number(self) -> str:
        return tracking_number_of(self.model)

    @resolved("How far each provider is, in the order in which they are told.")
    def outcomes(self) -> list[RegistrationOutcome]:
        return outcomes_of(self.shop, self.model)


@strawberry.type(description="One registration of a page, with its cursor.")
class RegistrationEdge:
    cursor: str = strawberry.field(description="Pass it as `after` to go on behind this registration.")
    node: Registration = strawberry.field(description="The registration.")


@strawberry.type(description="A page of registrations.")
class RegistrationConnection:
    edges: list[RegistrationEdge] = strawberry.field(description="The registrations with their cursors.")
    nodes: list[Registration] = strawberry.field(description="The registrations.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the whole.")


@strawberry.type(description="What a decision about a registration answers.")
class RegistrationPayload(Payload):
    registration: Registration | None = strawberry.field(
        default=None, description="The registration as it is now; null when the input was wrong."
    )


@strawberry.type(description="What `registerShipment` answers.")
class RegisterShipmentPayload(OrderPayload):
    registration: Registration | None = strawberry.field(
        default=None, description="What was accepted; null when nothing was."
    )

    @resolved(
        "How far each provider is, in the order in which they are told; empty when nothing was accepted. A provider "
        "that refused, or is down, stands here and not in `userErrors`."
    )
    def outcomes(self) -> list[RegistrationOutcome]:
        return outcomes_of(self.registration.shop, self.registration.model) if self.registration else []


@strawberry.type(description="What `retryRegistration` answers.")
class RetryRegistrationPayload(RegistrationPayload):
    pass


@strawberry.type(description="What `dismissRegistration` answers.")
class DismissRegistrationPayload(RegistrationPayload):
    pass


def order_key(registration: registrations.Registration) -> OrderKey:
    """The key of a registration's order: its number whenever that is known."""
    if registration.order_number is not None:
        return OrderKey(OrderName.NUMBER.value, registration.order_number)
    return OrderKey(registration.order_kind, registration.order_value)


def tracking_number_of(registration: registrations.Registration) -> str:
    """The number of the shipment, of which a newer gateway may have written more than this one can read."""
    return str(registration.shipment["tracking_number"])


def outcomes_of(shop: shops.Shop, registration: registrations.Registration) -> list[RegistrationOutcome]:
    return [RegistrationOutcome(shop=shop, registration=registration, step=step) for step in registration.steps]


def registration_connection(
    shop: shops.Shop,
    wanted: registrations.RegistrationFilter,
    found: Sequence[registrations.Registration],
    size: int,
    *,
    is_first_page: bool,
) -> RegistrationConnection:
    """A page of `size`, of which one more was looked for: it is there when there is a next page."""
    nodes = [Registration(shop=shop, model=model) for model in found[:size]]
    cursors = [write_registration_cursor(shop.slug, wanted, node.model.id) for node in nodes]
    return RegistrationConnection(
        edges=[RegistrationEdge(cursor=cursor, node=node) for cursor, node in zip(cursors, nodes, strict=True)],
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=len(found) > size,
            has_previous_page=not is_first_page,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
    )


def _spelt_alike(tracking_number: str | None) -> str:
    """A tracking number without what carriers and people write differently: capitals and blanks."""
    return "".join((tracking_number or "").split()).casefold()
