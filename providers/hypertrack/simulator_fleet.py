"""Who HyperTrack's double can send: workers, their devices, and the groups that run them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pydantic import JsonValue

from providers.hypertrack.simulator_refusals import Refusal, coded_error, not_found
from providers.hypertrack.simulator_visits import DEFAULT_OPS_GROUP, Json
from providers.simulation.world import World


@dataclass(frozen=True, slots=True)
class Worker:
    """Someone who can be sent, once linked to a device and as long as not deleted."""

    worker_handle: str
    device_id: str | None
    deleted: bool = False


WORKERS = (
    Worker("james@ht.com", "FFA58DDB-5CA0-4CD5-8BDE-E4EC7E077E3D"),  # of the page's example
    Worker("courier@demo-shop.example", "1D2E3F40-5A6B-4C7D-8E9F-A0B1C2D3E4F5"),
    Worker("newcomer@demo-shop.example", None),
    Worker("former@demo-shop.example", None, deleted=True),
)
"""The workers that every world has, beside the drivers of its script."""

SPARE_DEVICE = "9C8B7A69-5847-4635-9423-120FEDCBA987"
"""A device that no worker is linked to."""

OPS_GROUPS = (DEFAULT_OPS_GROUP, "SAN_JOSE_WH")


class Fleet:
    """The workers and devices of a world."""

    def __init__(self, world: World) -> None:
        stops = [order.stop for order in world.scripted if order.stop]
        workers = (*(Worker(stop.worker_handle, stop.device_id) for stop in stops), *WORKERS)
        self._workers = {worker.worker_handle: worker for worker in workers}
        # The script gives a driver another device on every route, and each of them is his.
        self._carriers: dict[str, Worker | None] = {SPARE_DEVICE: None}
        self._carriers |= {worker.device_id: worker for worker in workers if worker.device_id}

    def to_json(self) -> Json:
        workers: list[JsonValue] = [asdict(worker) for worker in self._workers.values()]
        return {"workers": workers, "spare_devices": [SPARE_DEVICE], "ops_groups": list(OPS_GROUPS)}

    def worker(self, handle: str) -> Worker:
        """Raises `Refusal` 404 for one who is not there, or no more."""
        worker = self._workers.get(handle)
        if worker is None:
            raise not_found("driver", "Worker", f"Worker not found for handle {handle}")
        if worker.deleted:
            raise Refusal(404, coded_error("driver_deleted", "Worker Deleted", f"Worker {handle} was deleted"))
        return worker

    def carrier_of(self, device_id: str) -> Worker | None:
        """Who is linked to the device, if anyone. Raises `Refusal` 404 for a device that is not there."""
        if device_id not in self._carriers:
            raise not_found("device", "Device", f"Device not found for id {device_id}")
        return self._carriers[device_id]
