"""How an answer is written: JSON, as bytes."""

from __future__ import annotations

import json
from typing import Any

import orjson


def encode(body: Any) -> bytes:
    """`body`, which is JSON data, as bytes. orjson writes NaN and the infinities as null: JSON has no word for them."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        # orjson takes neither integers above 64 bits nor more than 254 levels; a JSON scalar may hold both.
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
