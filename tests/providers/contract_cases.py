"""The contract case of every provider of ours, by name."""

from __future__ import annotations

from collections.abc import Mapping

from providers.testing import ContractCase
from tests.providers.billink.contract_case import CASE as BILLINK
from tests.providers.hypertrack.contract_case import CASE as HYPERTRACK
from tests.providers.karla.contract_case import CASE as KARLA
from tests.providers.paypal.contract_case import CASE as PAYPAL

CASES: Mapping[str, ContractCase] = {case.spec.profile.name: case for case in (KARLA, HYPERTRACK, PAYPAL, BILLINK)}
