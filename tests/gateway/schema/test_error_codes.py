"""The published table of error codes is complete and says what the code says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.orders.errors import OrderError
from gateway.schema.errors import ClientError, ErrorCode
from providers import errors
from providers.errors import ProviderError

ROOT = Path(__file__).parents[3]
DOCUMENTATION = ROOT / "docs" / "errors.md"
GATEWAY = ROOT / "gateway"


def taxonomy(base: type[ProviderError] = ProviderError) -> Iterator[type[ProviderError]]:
    """Every class below `base`, as far as it is published in providers/errors.py."""
    for error in base.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error
        yield from taxonomy(error)


PROVIDER_ERRORS = tuple(taxonomy())


def documented() -> dict[str, tuple[str, str, str]]:
    """Code -> meaning, remedy and `yes` or `no`, from the tables of docs/errors.md."""
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (.+?) \| (.+?) \| (yes|no) \|$", DOCUMENTATION.read_text("utf-8"), re.MULTILINE
    )
    assert len({code for code, *_ in rows}) == len(rows)
    return {code: (meaning, remedy, retryable) for code, meaning, remedy, retryable in rows}


@pytest.mark.parametrize("code", ErrorCode)
def test_a_code_of_the_gateway_has_its_row(code: ErrorCode) -> None:
    assert documented().get(code) == (code.meaning, code.remedy, "yes" if code.retryable else "no")


@pytest.mark.parametrize("error", PROVIDER_ERRORS, ids=lambda error: error.code)
def test_a_code_of_a_provider_failure_has_its_row(error: type[ProviderError]) -> None:
    meaning, remedy, retryable = documented()[error.code]
    assert meaning == error.message
    assert remedy
    assert retryable == ("yes" if error.retryable else "no")


def test_nothing_is_documented_that_does_not_exist() -> None:
    assert documented().keys() == {*ErrorCode} | {error.code for error in PROVIDER_ERRORS}


def written_codes() -> Iterator[tuple[str, str]]:
    """File and code, wherever the gateway makes an error out of a code that is written out."""
    for source in sorted(GATEWAY.rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"Problem", "UserError"}
            ):
                codes = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
                yield from ((source.name, str(code.value)) for code in codes if isinstance(code, ast.Constant))


def test_every_user_error_has_a_documented_code() -> None:
    codes = list(written_codes())
    assert codes
    assert [found for found in codes if found[1] not in documented()] == []


@pytest.mark.parametrize("error", [error for error in OrderError.__subclasses__() if hasattr(error, "code")])
def test_every_error_about_orders_has_a_documented_code(error: type[OrderError]) -> None:
    assert error.code in documented()


def test_a_code_has_one_meaning() -> None:
    assert not {code.value for code in ErrorCode} & {error.code for error in PROVIDER_ERRORS}


def test_a_client_error_carries_its_code_as_plain_json() -> None:
    error = ClientError(ErrorCode.BAD_ID, "No.", id="x")
    assert error.extensions == {"code": "BAD_ID", "id": "x"}
    assert type(error.extensions["code"]) is str
