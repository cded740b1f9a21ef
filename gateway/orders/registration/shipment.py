"""A shipment to be registered, and what became of it at one provider: the documents that the store keeps."""

from __future__ import annotations

from gateway.orders.refusal import Refusal
from providers.drafts import RouteDraft
from providers.models import Domain, TrackerItem, Tracking


class Shipment(Domain):
    """One parcel of an order. `carrier` is a word of the carrier table, a provider's own, or any other.

    `capture_id` is PayPal's; `route` is for a shop that delivers the parcel itself. Documents of earlier versions are
    read too: a member that is added has a default.
    """

    tracking_number: str
    carrier: str
    tracking_url: str | None = None
    items: tuple[TrackerItem, ...] | None = None
    notify_payer: bool = False
    capture_id: str | None = None
    route: RouteDraft | None = None


class StepOutcome(Domain):
    """What an attempt at one provider ended in: what was `made`, why it was refused, or the code of what went wrong.

    `made` is None where the provider does not tell what it made (Karla's upsert): the parcel then has the shipment's
    tracking number. The violations of a refusal lead into the draft that was sent. `may_be_done`: this attempt or one
    before it was sent, and nobody knows whether it was taken.
    """

    made: Tracking | None = None
    refusal: Refusal | None = None
    failure: str | None = None
    may_be_done: bool = False
