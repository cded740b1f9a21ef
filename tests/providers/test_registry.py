"""Claims about the table of providers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.base import ProviderSpec, ReferenceKind
from providers.billink import BILLINK
from providers.karla import KARLA
from providers.registry import BUILT_IN, ProviderConflict, provider_specs, ranked


def spec(name: str, trust: int = 9, *kinds: str) -> ProviderSpec:
    reference_kinds = tuple(ReferenceKind(kind, kind) for kind in kinds)
    profile = replace(BILLINK.profile, name=name, trust=trust, reference_kinds=reference_kinds, finds_by=kinds)
    return replace(BILLINK, profile=profile)


def test_ours_stand_in_order_of_trust() -> None:
    """Karla's word counts most, then HyperTrack's, then those of the two that repeat what a merchant said."""
    assert list(provider_specs()) == ["karla", "hypertrack", "paypal", "billink"]


def test_a_third_party_takes_its_place_by_trust() -> None:
    assert list(ranked((*BUILT_IN, spec("acme", 0, "acme_order")))) == [
        "karla",
        "acme",
        "hypertrack",
        "paypal",
        "billink",
    ]


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ProviderConflict, match="two providers are called 'karla'"):
        ranked((*BUILT_IN, spec("karla")))


def test_two_with_one_reference_kind_are_refused() -> None:
    """A link of that kind could be either's."""
    with pytest.raises(ProviderConflict, match="billink and acme both have a reference kind 'invoice_number'"):
        ranked((*BUILT_IN, spec("acme", 9, "invoice_number")))


def test_two_order_sources_share_the_names_of_an_order() -> None:
    assert "acme" in ranked((KARLA, spec("acme", 9, "order_number", "external_id")))
