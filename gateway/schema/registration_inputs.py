"""What is told to several providers at once, with the narrowest limits of those that are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import strawberry

from gateway.orders.registration.shipment import Shipment
from gateway.schema import payment_inputs, route_inputs
from gateway.schema.arguments import MOST_PROVIDERS, check_providers, check_text
from gateway.schema.constraints import Rules, draft, length, violations, wrong
from gateway.schema.enums import StepState
from gateway.schema.errors import ErrorCode
from gateway.schema.fields import IDEMPOTENCY_KEY, SHOP, optional, required
from gateway.schema.inputs import OrderBy
from gateway.schema.payment_inputs import CreateOrderTrackerInput, TrackerItemInput
from gateway.schema.route_inputs import RouteInput, check_stops
from gateway.schema.scalars import URL
from gateway.schema.types.payloads import UserError
from gateway.store import registrations
from providers.registry import provider_specs

NUMBER_LIMIT = 255
"""Longest tracking number of all: what the index of tracking numbers holds."""

NUMBER_LIMITS: Mapping[str, int] = {"paypal": 64}
"""Longest tracking number of providers that document one (PayPal Orders v2 OpenAPI 2.13, `order_tracker_request`)."""

CARRIER_LIMIT = 64
"""Longest word for a carrier: PayPal's limit of a carrier's name that it has no code for."""

ADDRESS_LIMIT = 2048
REASON_LIMIT = 500


@strawberry.input(description="A parcel of an order, to be told to every provider that has to know of it.")
class RegisterShipmentInput:
    order: OrderBy = required("What the order is asked by.")
    tracking_number: str = required(
        f"The carrier's number of the parcel, 1 to {NUMBER_LIMIT} characters; at most {NUMBER_LIMITS['paypal']} when "
        "PayPal is named in `providers` or a capture is given."
    )
    carrier: str = required(
        "The carrier: a code of the gateway's carrier table such as `dhl`, a provider's own word for it, or its name."
    )
    tracking_url: URL | None = optional("A page that follows the parcel.")
    items: list[TrackerItemInput] | None = optional("What is in the parcel; left out, nothing is said of it.")
    notify_payer: bool | None = optional("Whether PayPal writes to the payer.", False)
    capture_id: str | None = optional(
        "PayPal's id of the captured payment. Left out: the one completed capture of the PayPal orders that are linked "
        "to the order."
    )
    route: RouteInput | None = optional("The route on which the shop delivers the parcel itself.")
    providers: list[str] | None = optional(
        "Who is told. Left out: Karla; PayPal and Billink where the order is linked to what they know, or the settings "
        "say always; HyperTrack when `route` is given."
    )
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="A registration to be tried again at once.")
class RetryRegistrationInput:
    registration_id: strawberry.ID = required("The global id of the `Registration`.")
    providers: list[str] | None = optional("Try these only; left out, all where it is not done.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(description="A registration to be given up.")
class DismissRegistrationInput:
    registration_id: strawberry.ID = required("The global id of the `Registration`.")
    reason: str | None = optional(f"Why, for whoever reads it later; 1 to {REASON_LIMIT} characters.")
    shop: str | None = optional(SHOP)
    idempotency_key: str | None = optional(IDEMPOTENCY_KEY)


@strawberry.input(
    description="Which registrations are meant; every filter must match. `states` and `providers` are met by one and "
    "the same outcome. An empty list is as if it had been left out."
)
class RegistrationFilter:
    states: list[StepState] | None = optional("An outcome is in one of these states.")
    providers: list[str] | None = optional("An outcome is of one of these providers.")
    order_number: str | None = optional("The shop's number of the order.")
    created_from: datetime | None = optional("Accepted at this time or later.")
    created_to: datetime | None = optional("Accepted at this time or earlier.")
    open_only: bool | None = optional(
        "Without those that are done at every provider, and without dismissed ones.", False
    )

    def to_search(self) -> registrations.RegistrationFilter:
        """The search that this asks for. Raises `ClientError` for a name that nothing can have."""
        return registrations.RegistrationFilter(
            states=frozenset(self.states or ()),
            providers=frozenset(check_providers(self.providers) or ()),
            order_number=None if self.order_number is None else check_text(self.order_number, "filter.orderNumber"),
            created_from=self.created_from,
            created_to=self.created_to,
            open_only=bool(self.open_only),
        )


RULES: Rules = {
    **payment_inputs.RULES,
    **route_inputs.RULES,
    RegisterShipmentInput: {
        "tracking_number": length(NUMBER_LIMIT),
        "carrier": length(CARRIER_LIMIT),
        "tracking_url": length(ADDRESS_LIMIT),
        "capture_id": payment_inputs.RULES[CreateOrderTrackerInput]["capture_id"],
    },
    DismissRegistrationInput: {"reason": length(REASON_LIMIT)},
}
"""What must hold of each member, whoever is told; items as PayPal takes them, routes as HyperTrack does."""


def check_shipment(given: RegisterShipmentInput) -> Iterable[UserError]:
    """What is wrong with a shipment, before anything is stored or sent."""
    yield from violations(given, RULES)
    yield from _check_number(given)
    yield from _check_named(given.providers)
    if given.route is not None:
        yield from check_stops(given.route, "route")


def check_retry(given: RetryRegistrationInput) -> Iterable[UserError]:
    """What is wrong with trying again, before anything is done."""
    yield from violations(given, RULES)
    yield from _check_named(given.providers)


def check_dismissal(given: DismissRegistrationInput) -> Iterable[UserError]:
    """What is wrong with giving up, before anything is done."""
    yield from violations(given, RULES)


def _check_named(providers: list[str] | None) -> Iterable[UserError]:
    """What is wrong with the providers that an input names."""
    if providers == []:
        yield wrong("Name a provider, or leave this out.", "providers")
    if providers and len(providers) > MOST_PROVIDERS:
        yield wrong(f"Name at most {MOST_PROVIDERS} providers, each once.", "providers")
        return
    for place, name in enumerate(providers or ()):
        if name not in provider_specs():
            yield UserError(
                code=ErrorCode.UNKNOWN_PROVIDER.value,
                message=f"No provider has this name. There are: {', '.join(provider_specs())}.",
                path=["input", "providers", str(place)],
            )


def to_shipment(given: RegisterShipmentInput) -> Shipment:
    """The shipment, as it was given. Blanks around its number and its carrier are no part of them."""
    shipment = draft(Shipment, given)
    return shipment.model_copy(
        update={"tracking_number": shipment.tracking_number.strip(), "carrier": shipment.carrier.strip()}
    )


def _check_number(given: RegisterShipmentInput) -> Iterable[UserError]:
    named = set(given.providers or ()) | ({"paypal"} if given.capture_id is not None else set())
    limit = min((NUMBER_LIMITS[name] for name in named & NUMBER_LIMITS.keys()), default=NUMBER_LIMIT)
    if limit < len(given.tracking_number) <= NUMBER_LIMIT:
        yield wrong(f"One of the providers named takes at most {limit} characters.", "trackingNumber")
