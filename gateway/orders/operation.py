"""One operation: its loads, and the use cases over them, all under one deadline.

A client's request is one, and so is an attempt of the registration worker at one provider.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.orders.directory import Directory
from gateway.orders.loads import Loads, LoadServices
from gateway.orders.service import OrderService
from gateway.orders.trackers import TrackerService
from gateway.orders.writes import OrderTrackerWrites, OrderWrites, RouteWrites, Writer
from gateway.resilience.deadline import Deadline
from gateway.resilience.gate import Urgency
from gateway.store.links import Links


@dataclass(frozen=True, slots=True)
class OperationServices:
    """What outlives the operation and every use case is made over."""

    links: Links
    loads: LoadServices


class Operation:
    """The use cases of one operation. What one of them writes, all of them read anew."""

    def __init__(self, services: OperationServices, deadline: Deadline, urgency: Urgency = Urgency.INTERACTIVE) -> None:
        self._services = services
        self.loads = Loads(services.loads, deadline, urgency)
        self.directory = Directory(services.links, services.loads.sightings)
        self.orders = OrderService(self.directory, self.loads)

    @property
    def trackers(self) -> TrackerService:
        return TrackerService(self.loads.calls, self._services.loads.sightings, self._services.loads.cache)

    @property
    def order_writes(self) -> OrderWrites:
        return OrderWrites(self._writer, self.orders)

    @property
    def order_tracker_writes(self) -> OrderTrackerWrites:
        return OrderTrackerWrites(self._writer, self.directory)

    @property
    def route_writes(self) -> RouteWrites:
        return RouteWrites(self._writer)

    @property
    def _writer(self) -> Writer:
        return Writer(self._services.loads, self.loads)
