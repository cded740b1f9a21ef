"""The contract kit: what every adapter must keep, ours or a third party's, written once.

A provider describes itself in a `ContractCase` and inherits the claims::

    class TestAcmeContract(ProviderContract):
        case = ContractCase(spec=ACME, settings={...}, operations=(...), ...)

It needs pytest and pytest-asyncio in its `auto` mode, and knows nothing of any one provider.
"""

import pytest

pytest.register_assert_rewrite("providers.testing.contract")

from providers.testing.api import Answer, ApiDouble, Exchange, SentRequest  # noqa: E402 - asserts are rewritten first
from providers.testing.cases import ContractCase, Operation, StatusTable, load_sample, sample  # noqa: E402
from providers.testing.contract import ProviderContract  # noqa: E402
from providers.testing.faults import FAULTS, Fault  # noqa: E402
from providers.testing.ledger import MemoryLedger  # noqa: E402

__all__ = [
    "FAULTS",
    "Answer",
    "ApiDouble",
    "ContractCase",
    "Exchange",
    "Fault",
    "MemoryLedger",
    "Operation",
    "ProviderContract",
    "SentRequest",
    "StatusTable",
    "load_sample",
    "sample",
]
