"""The interface of everything that has a global id."""

from __future__ import annotations

import strawberry

from gateway.schema.fields import resolved


@strawberry.interface(description="Something that can be read again by its id.")
class Node:
    @resolved("Global id; opaque, and the same whichever way it was reached.")
    def id(self) -> strawberry.ID:
        raise NotImplementedError
