"""PayPal's own client gets on with PayPal's double: tokens, order, adding, changing and cancelling a tracker.

The client is the PyPI package `paypal-server-sdk`, PayPal's own reading of its API. It needs an older `python-dateutil`
than this project has, so it runs in an environment of its own, made from `sdk/requirements.lock`, which
`uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url` made from `requirements.in`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from providers.paypal.simulator import CREDENTIALS
from providers.simulation.clock import SimulationClock
from providers.simulation.generate import generate_orders
from providers.simulation.server import SimulatorServer
from providers.simulation.world import World

SDK = Path(__file__).parent / "sdk"
ENVIRONMENT = SDK / ".venv"

INSTALL_SECONDS = 120
RUN_SECONDS = 60

NOW = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)
WITHOUT_PROXY = {"NO_PROXY": "*", "no_proxy": "*"}


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of the client's environment, which is made anew where the lock or our own Python is another."""
    lock = SDK / "requirements.lock"
    stamp = ENVIRONMENT / ".installed-from"
    executable = ENVIRONMENT / "bin" / "python"
    wanted = f"{sys.base_prefix} {hashlib.sha256(lock.read_bytes()).hexdigest()}"
    if not stamp.is_file() or stamp.read_text() != wanted:
        _uv("venv", "--clear", "--python", sys.executable, str(ENVIRONMENT))
        _uv("pip", "install", "--python", str(executable), "--require-hashes", "--requirement", str(lock))
        stamp.write_text(wanted)
    return executable


def _uv(*arguments: str) -> None:
    command: Sequence[str] = (find_uv_bin(), "--quiet", *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)  # noqa: S603 - our own command line
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)} failed:\n{done.stderr}")


async def _drive(python: Path, task: dict[str, str | None]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        python,
        SDK / "drive.py",
        json.dumps(task),
        env={**os.environ, **WITHOUT_PROXY},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(RUN_SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    answer: dict[str, Any] = json.loads(output)
    return answer


async def test_paypals_own_client_reads_and_writes_trackers(python: Path) -> None:
    world = World(generate_orders(NOW), SimulationClock(lambda: NOW))
    order = next(order for order in world.orders if order.paypal_order_id)
    sku = order.products[0]["sku"]
    async with SimulatorServer("paypal", world) as server:
        answer = await _drive(
            python,
            {
                **CREDENTIALS,
                "url": server.url,
                "order_id": order.paypal_order_id,
                "capture_id": order.capture_id,
                "sku": sku,
                "tracking_number": "00340434199999999999",
            },
        )
        calls = server.control.calls.calls
    added = {
        "id": answer["added"]["id"],
        "status": "SHIPPED",
        "items": [[sku, "1"]],
        "links": [["up", "GET"], ["update", "PATCH"]],
        "create_time": "2025-06-04T12:00:00Z",
        "update_time": "2025-06-04T12:00:00Z",
    }
    assert answer == {
        "statuses": [201, 200, 204, 204],
        "added": added,
        "read": {**added, "status": "CANCELLED", "items": [[sku, "2"]]},
        "refused_capture": {
            "status": 422,
            "name": "UNPROCESSABLE_ENTITY",
            "details": [["CAPTURE_ID_NOT_FOUND", "body"]],
        },
        "refused_patch": {"status": 400, "name": "INVALID_REQUEST", "details": [["FIELD_NOT_PATCHABLE", "body"]]},
        "refused_order": {"status": 404, "name": "RESOURCE_NOT_FOUND", "details": [["INVALID_RESOURCE_ID", "path"]]},
    }
    assert answer["added"]["id"].startswith(str(order.capture_id))
    assert [call.path for call in calls].count("/v1/oauth2/token") == 1
