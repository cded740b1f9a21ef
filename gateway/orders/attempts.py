"""One making of a write: by which id a provider knows it again, and whether it may have been made before."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """`request_id` is the same for every attempt at one write (1 to 108 visible ASCII characters).

    `repeated`: an earlier attempt may have made it, so that what is there already may be its work.
    """

    request_id: str
    repeated: bool = False

    @classmethod
    def only(cls) -> Attempt:
        """The one attempt at a write that nobody will ask for again."""
        return cls(str(uuid.uuid4()))


def request_id_of(*names: str) -> str:
    """The request id of the write that `names` tell from all others: 64 hexadecimal digits."""
    text = "".join(f"{len(name)}:{name}," for name in names)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
