"""Every registered provider keeps the contract of `providers.testing`."""

from __future__ import annotations

from providers.registry import provider_specs
from providers.testing import ProviderContract
from tests.providers.contract_cases import CASES


class TestKarla(ProviderContract):
    case = CASES["karla"]


class TestHyperTrack(ProviderContract):
    case = CASES["hypertrack"]


class TestPayPal(ProviderContract):
    case = CASES["paypal"]


class TestBillink(ProviderContract):
    case = CASES["billink"]


def test_every_registered_provider_is_under_contract() -> None:
    """A provider that is in the registry and has no contract class here fails the suite."""
    contracts = [each for name, each in globals().items() if name.startswith("Test")]
    under_contract = {contract.case.spec.profile.name for contract in contracts}
    assert under_contract == set(provider_specs()) == set(CASES)
