"""The answer that HyperTrack's reference page "Track Orders" prints (hypertrack.com/reference/post-orders-track).

Value for value, as the simulator serves it: a route that is being tracked, with its two orders.
"""

from __future__ import annotations

from pydantic import JsonValue

_ROUTE_HANDLE = "7ac07153-5590-46c5-9ada-a6ca84f5b48f"
_DEVICE_ID = "FFA58DDB-5CA0-4CD5-8BDE-E4EC7E077E3D"
_WORKER_HANDLE = "james@ht.com"

SAMPLE_ORDERS: dict[str, dict[str, JsonValue]] = {
    "order-1": {
        "order_handle": "order-1",
        "fulfillment_attempt": 0,
        "status": "ongoing",
        "destination": {
            "geometry": {"type": "Point", "coordinates": [17.803927, 34.832173]},
            "address": "1709 Automation Pkwy, San Jose, CA 95101",
            "radius": 100,
        },
        "track_mode": "on_time",
        "scheduled_at": "2023-11-02T02:00:00.000Z",
        "started_at": "2023-11-01T22:47:56.027Z",
        "type": "pick",
        "type_index": 0,
        "expected_service_time": 0,
        "capacity_used": 1,
        "share_url": "https://trck.at/PvR4MmWOpw",
        "device_id": _DEVICE_ID,
        "worker_handle": _WORKER_HANDLE,
        "created_at": "2023-11-01T22:47:53.512Z",
        "assigned_at": "2023-11-01T22:47:53.857Z",
        "route_handle": _ROUTE_HANDLE,
        "planned_at": "2023-11-01T22:47:53.512Z",
    },
    "order-2": {
        "order_handle": "order-2",
        "fulfillment_attempt": 0,
        "status": "ongoing",
        "destination": {
            "geometry": {"type": "Point", "coordinates": [17.803926, 34.832174]},
            "address": "748 Story Rd, San Jose, CA 95112",
            "radius": 100,
        },
        "track_mode": "on_time",
        "scheduled_at": "2023-11-02T02:00:00.000Z",
        "started_at": "2023-11-01T22:47:56.092Z",
        "type": "drop",
        "type_index": 0,
        "expected_service_time": 0,
        "capacity_used": 1,
        "share_url": "https://trck.at/NqV7Xm22pC",
        "device_id": _DEVICE_ID,
        "worker_handle": _WORKER_HANDLE,
        "created_at": "2023-11-01T22:47:53.512Z",
        "assigned_at": "2023-11-01T22:47:53.914Z",
        "route_handle": _ROUTE_HANDLE,
        "planned_at": "2023-11-01T22:47:53.512Z",
    },
}
"""By `order_handle`, in the order of the route."""

SAMPLE_ROUTE: dict[str, JsonValue] = {
    "route_handle": _ROUTE_HANDLE,
    "status": "tracking",
    "version": 1,
    "embed_url": (
        f"https://embed.hypertrack.com/routes/{_ROUTE_HANDLE}"
        "?publishable_key=a4pvdQPekFgLSuZrwivhJS_Squ6irX1n9sRBIn9nl3PTK-5y3BO56rolpGuzhp1pIoH4TiDyqWIq8IEkOJF5ed"
    ),
    "orders": list(SAMPLE_ORDERS.values()),
    "started_at": "2023-11-01T22:47:54.867Z",
    "assigned_at": "2023-11-01T22:47:53.968Z",
    "created_at": "2023-11-01T22:47:53.659Z",
    "device_id": _DEVICE_ID,
    "worker_handle": _WORKER_HANDLE,
    "planned_at": "2023-11-01T22:47:53.658Z",
}
