"""Billink under contract: its request, its recorded answers, its refusals, and what is read from the ledger."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from providers.base import Provider, TrackerSink, TrackingSource
from providers.billink import BILLINK
from providers.errors import RequestRejected
from providers.models import Carrier, InvoiceTracker, Media, Reference, TrackerDraft, TrackingsFound, TrackingStatus
from providers.testing import Answer, ContractCase, Exchange, Operation, SentRequest, load_sample, sample

SAMPLES = Path(str(files("providers.billink"))) / "samples"
EXPECTED = Path(__file__).parent / "expected"

DRAFT = TrackerDraft(
    reference=Reference(provider="billink", kind="invoice_number", value="1001"),
    carrier_code="POSTNL",
    tracking_number="3SABCD1234567",
    media=(Media(type="image/png", content="aGVsbG8="),),
)

REGISTERED = InvoiceTracker(
    provider="billink",
    tracking_number="3SXYZ",
    carrier=Carrier(reference="DHL"),
    status=TrackingStatus.INFO_RECEIVED,
    store_id=7,
    tracker_id="41",
    invoice_number="1002",
)


async def register_tracker(adapter: Provider) -> object:
    assert isinstance(adapter, TrackerSink)
    return await adapter.register_tracker(DRAFT)


async def find_trackings(adapter: Provider) -> TrackingsFound:
    assert isinstance(adapter, TrackingSource)
    return await adapter.find_trackings(Reference(provider="billink", kind="invoice_number", value="1002"))


ANSWERED_BY_A_SERVER = dict.fromkeys(
    (
        *(f"status_{status}" for status in (302, 400, 401, 403, 404, 409, 422, 429)),
        *("status_429_in_seconds", "status_429_at_a_date", "html_400", "html_422"),
        *("html", "cut_off", "empty", "not_utf_8", "deeply_nested", "null", "wrong_type"),
    )
)
"""What `check` does not mind: it proves that a server answers, and reads nothing."""

CASE = ContractCase(
    spec=BILLINK,
    settings={"billink_id": "secret-id-1", "username": "acme"},
    secrets=("secret-id-1",),
    operations=(
        Operation(
            "check",
            lambda adapter: adapter.check(),
            (Exchange(SentRequest("HEAD", "/", headers={"accept-encoding": "identity"}), Answer(404)),),
            "reachable; credentials cannot be checked without registering a tracker",
            errors=ANSWERED_BY_A_SERVER,
        ),
        Operation(
            "find_trackings",
            find_trackings,
            (),
            load_sample(EXPECTED / "stored.json"),
        ),
        Operation(
            "register_tracker",
            register_tracker,
            (
                Exchange(
                    SentRequest(
                        "POST",
                        "/v2/client/tracker",
                        headers={"content-type": "application/json", "accept-encoding": "gzip"},
                        body={
                            "billinkID": "secret-id-1",
                            "billinkUsername": "acme",
                            "carrierCode": "POSTNL",
                            "invoiceNumber": "1001",
                            "trackAndTrace": "3SABCD1234567",
                        },
                    ),
                    sample(SAMPLES / "created.json", status=201),
                ),
            ),
            load_sample(EXPECTED / "created.json"),
            required=(("id",),),
            errors={"status_404": RequestRejected},
            asks_once=True,
        ),
    ),
    ledger=(REGISTERED,),
    without_statuses="A Billink tracker says that a merchant registered it, and has no status of its own.",
)
