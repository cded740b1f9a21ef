"""Which shop a command is about."""

from __future__ import annotations

from gateway.cli.failures import CommandFailed
from gateway.settings import Settings


def choose_shop(settings: Settings, given: str | None) -> str:
    """The slug of the shop that is `given`, or of the only one. Raises `CommandFailed`, naming those there are."""
    slugs = sorted(settings.shops)
    if given is None and len(slugs) == 1:
        return slugs[0]
    if not slugs:
        raise CommandFailed("the settings name no shop; give --config a file with one")
    if given is None:
        raise CommandFailed(f"there are several shops; name one with --shop: {', '.join(slugs)}")
    if given not in slugs:
        raise CommandFailed(f"there is no shop {given}; there are: {', '.join(slugs)}")
    return given
