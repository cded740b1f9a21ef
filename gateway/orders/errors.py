"""What stops a question before or besides the providers: each has a code that clients see."""

from __future__ import annotations

from typing import ClassVar


class OrderError(Exception):
    """A question about orders that cannot be answered as it was asked."""

    code: ClassVar[str]

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class KeyNotSupported(OrderError):
    """Only a provider that this shop has not configured could resolve the key."""

    code = "KEY_NOT_SUPPORTED"


class ReferenceNotIndexed(OrderError):
    """The tracking number was never seen by this gateway."""

    code = "REFERENCE_NOT_INDEXED"


class TrackingNumberAmbiguous(OrderError):
    """The tracking number was seen on several orders."""

    code = "AMBIGUOUS_TRACKING_NUMBER"


class ShopRequired(OrderError):
    """The gateway has several shops and the question names none."""

    code = "SHOP_REQUIRED"


class ShopUnknown(OrderError):
    code = "UNKNOWN_SHOP"


class CapabilityMissing(OrderError):
    """No provider of this shop can do what was asked."""

    code = "CAPABILITY_MISSING"


class ProviderNotConfigured(OrderError):
    """This shop has none of the providers that a write goes to."""

    code = "PROVIDER_NOT_CONFIGURED"


class IdempotencyKeyReused(OrderError):
    """The key was used for another write, or for this one with another input."""

    code = "IDEMPOTENCY_KEY_REUSED"


class IdempotencyKeyInUse(OrderError):
    """The write that was given this key is still being made."""

    code = "IDEMPOTENCY_KEY_IN_USE"
