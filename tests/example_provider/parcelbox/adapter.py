"""What Parcelbox is asked; what an answer means is in `mapping`."""

from urllib.parse import quote

from parcelbox.mapping import to_trackings_found
from parcelbox.profile import NAME, PROFILE
from parcelbox.settings import ParcelboxSettings
from parcelbox.wire import ACCOUNT, DELIVERIES
from providers.base import ProviderContext
from providers.http import ProviderHttp, Reply
from providers.models import Reference, TrackingsFound


class ParcelboxAdapter:
    """A `TrackingSource` over one shop's account."""

    profile = PROFILE

    def __init__(self, settings: ParcelboxSettings, context: ProviderContext) -> None:
        self._http = ProviderHttp(NAME, context.client, context.clock)
        self._api_key = settings.api_key

    async def check(self) -> str:
        """Read the account, which needs no more than a valid key."""
        self._http.read("check", await self._get("check", "/v1/account"), ACCOUNT)
        return "reachable, key accepted"

    async def find_trackings(self, reference: Reference) -> TrackingsFound:
        """The deliveries of one order. Raises `OrderNotFound` for an order that Parcelbox does not know (404)."""
        operation = "find_trackings"
        reply = await self._get(operation, f"/v1/orders/{quote(reference.value, safe='')}/deliveries")
        return to_trackings_found(self._http.read(operation, reply, DELIVERIES))

    async def _get(self, operation: str, path: str) -> Reply:
        headers = {"X-Api-Key": self._api_key.get_secret_value()}
        return await self._http.call(operation, "GET", path, headers=headers)
