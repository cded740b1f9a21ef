"""What became of a registration's step, in the terms of the input of `registerShipment`.

Each kind of provider is told by a draft of its own, and its refusals lead into that draft. A table for each leads back
to the members that the draft was made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError
from strawberry.utils.str_converters import to_camel_case

from gateway.orders.refusal import Refusal
from gateway.orders.registration.shipment import StepOutcome
from gateway.orders.registration.steps import CaptureRequired
from gateway.orders.shops import Shop
from gateway.schema.errors import ErrorCode
from gateway.schema.refusals import Terms, not_found, refusals
from gateway.schema.registration_inputs import RegisterShipmentInput
from gateway.schema.types.payloads import UserError
from gateway.schema.types.provider import provider_of
from gateway.store.registrations import Step
from providers.errors import OrderNotFound, ProviderError, RequestRejected

Field = tuple[str, ...]

EACH = "*"
"""Stands for a place in a list."""


def _same(*members: Field) -> dict[Field, Field]:
    """Members that the draft and the input call alike."""
    return {member: member for member in members}


def _below(prefix: Field, members: Mapping[Field, Field]) -> dict[Field, Field]:
    """The same members of a draft, in the input behind `prefix`."""
    return {member: prefix + target for member, target in members.items()}


_ITEM = ("items", EACH)

ORDER_UPSERT: Mapping[Field, Field] = {
    ("reference",): ("order",),
    ("reference_type",): ("order",),
    ("order",): ("order",),
    ("trackings",): (),
    ("trackings", EACH, "tracking_number"): ("tracking_number",),
    ("trackings", EACH, "tracking_url"): ("tracking_url",),
    ("trackings", EACH, "carrier_reference"): ("carrier",),
    ("trackings", EACH, "external_shipment_id"): ("tracking_number",),
    ("trackings", EACH, "products"): ("items",),
}
"""`OrderUpsert` (Karla). Of an order and of a parcel it has more than a shipment says; that is never sent."""

ORDER_TRACKER: Mapping[Field, Field] = {
    ("paypal_order_id",): ("order",),
    ("carrier_name_other",): ("carrier",),
    **_same(("capture_id",), ("tracking_number",), ("carrier",), ("notify_payer",), ("items",), _ITEM),
    **_same(*((*_ITEM, name) for name in ("name", "quantity", "sku", "url", "image_url", "upc"))),
    **_same((*_ITEM, "upc", "type"), (*_ITEM, "upc", "code")),
}
"""`OrderTrackerDraft` (PayPal)."""

TRACKER: Mapping[Field, Field] = {
    ("reference",): ("order",),
    ("carrier_code",): ("carrier",),
    ("tracking_number",): ("tracking_number",),
    ("media",): (),
}
"""`TrackerDraft` (Billink, and third parties). A shipment has no media."""

_STOP = ("orders", EACH)
_DESTINATION = (*_STOP, "destination")

ROUTE: Mapping[Field, Field] = _below(
    ("route",),
    {
        **_same(("worker_handle",), ("device_id",), ("route_handle",), ("track_mode",), ("ops_group_handle",)),
        **_same(("orders",), _STOP, (*_STOP, "order_handle"), (*_STOP, "type"), (*_STOP, "scheduled_at")),
        **_same(_DESTINATION, (*_DESTINATION, "address"), (*_DESTINATION, "radius_metres")),
        **_same((*_DESTINATION, "location")),
        **_same((*_DESTINATION, "location", "latitude"), (*_DESTINATION, "location", "longitude")),
    },
)
"""`RouteDraft` (HyperTrack): the input's `route`."""


@dataclass(frozen=True, slots=True)
class ShipmentTerms(Terms):
    """How the input of `registerShipment` speaks of what is sent: by `fields`, from a draft's member to its own.

    What lies inside of a member and is not listed belongs to the nearest one around it that is.
    """

    fields: Mapping[Field, Field] = field(default_factory=dict)

    def path(self, draft_field: Field) -> list[str]:
        shape = tuple(EACH if part.isdigit() else part for part in draft_field)
        around = (shape[:length] for length in range(len(shape), 0, -1))
        listed = next((member for member in around if member in self.fields), ())
        places = [part for part in draft_field[: len(listed)] if part.isdigit()]
        return ["input", *_placed(self.fields.get(listed, ()), places)]


def _placed(member: Field, places: list[str]) -> Iterator[str]:
    """`member` as the input spells it, with the last of `places` for its own."""
    wanted = member.count(EACH)
    own = iter(places[len(places) - wanted :])
    for part in member:
        yield next(own) if part == EACH else to_camel_case(part)


TABLES: tuple[Mapping[Field, Field], ...] = (ORDER_UPSERT, ORDER_TRACKER, TRACKER, ROUTE)

TERMS = ShipmentTerms(
    RegisterShipmentInput,
    named_by="order",
    fields={member: target for table in TABLES for member, target in table.items()},
)
"""For every draft alike: no two of them call different things by one name."""


def outcome_of(step: Step) -> StepOutcome:
    """What the last attempt at a step ended in; nothing where a newer gateway wrote it, which runs beside this one."""
    try:
        return StepOutcome.model_validate(step.outcome or {})
    except ValidationError:
        return StepOutcome()


def step_errors(outcome: StepOutcome, provider: str, shop: Shop) -> list[UserError]:
    """Why a step is not done: what refused it, or what went wrong with the last attempt."""
    if outcome.refusal is not None:
        return _refused(outcome.refusal, provider, shop)
    return [_failed(outcome.failure, provider, shop)] if outcome.failure is not None else []


def _refused(refusal: Refusal, provider: str, shop: Shop) -> list[UserError]:
    match refusal.to_error():
        case RequestRejected() as rejected:
            return refusals(rejected, shop, TERMS)
        case OrderNotFound() as missing:
            return [not_found(missing, shop, TERMS)]
        case ours:
            return [
                UserError(
                    code=ours.code,
                    message=ours.message,
                    path=OUR_PATHS.get(ours.code, ["input"]),
                    provider=provider_of(shop, provider),
                )
            ]


OUR_PATHS: Mapping[str, list[str]] = {CaptureRequired.code: ["input", "captureId"]}
"""Which member a refusal of our own is about, by its code."""


def _failed(code: str, provider: str, shop: Shop) -> UserError:
    """Nothing in the input is wrong: the error has no path."""
    return UserError(code=code, message=FAILURES.get(code, _UNTOLD), path=None, provider=provider_of(shop, provider))


def _failures(base: type[ProviderError] = ProviderError) -> Iterator[tuple[str, str]]:
    for error in base.__subclasses__():
        yield error.code, error.message
        yield from _failures(error)


FAILURES: Mapping[str, str] = {**dict(_failures()), **{code.value: code.meaning for code in ErrorCode}}
"""What each code of a failed attempt means."""

_UNTOLD = "The attempt failed."
