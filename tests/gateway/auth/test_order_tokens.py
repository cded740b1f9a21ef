"""Order tokens, and the file of secrets that they are signed with."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from gateway.auth.errors import AuthenticationUnavailable, NotAuthenticated
from gateway.auth.order_tokens import OrderTokens
from gateway.auth.principal import OneOrder, Principal, Scope
from gateway.auth.secret_file import SecretFile, UnusableSecrets
from gateway.orders.identity import OrderKey
from tests.gateway.auth.tokens import NOON, SECRET

ORDER = OneOrder("acme", frozenset({OrderKey("order_number", "1"), OrderKey("external_id", "e")}))
HOUR = timedelta(hours=1)
NEW_SECRET = "n" * 40


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n", "utf-8")
    return file


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(file: Path, clock: Clock) -> OrderTokens:
    return OrderTokens(SecretFile(file), timedelta(days=1), clock)


@pytest.mark.parametrize("personal", [True, False])
def test_what_was_minted_is_read_again(tokens: OrderTokens, personal: bool) -> None:
    minted = tokens.mint(ORDER, HOUR, personal=personal)
    assert minted.expires_at == NOON + HOUR
    scopes = {Scope.ORDERS_READ} | ({Scope.PERSONAL_READ} if personal else set())
    assert tokens.principal(minted.value) == Principal("order token", frozenset({"acme"}), frozenset(scopes), ORDER)


def test_it_is_good_until_it_expires_and_not_a_second_longer(tokens: OrderTokens, clock: Clock) -> None:
    token = tokens.mint(ORDER, HOUR, personal=False).value
    clock.now = NOON + HOUR - timedelta(seconds=1)
    tokens.principal(token)
    clock.now = NOON + HOUR
    with pytest.raises(NotAuthenticated):
        tokens.principal(token)


def test_a_token_of_another_gateway_is_none(tokens: OrderTokens, tmp_path: Path, clock: Clock) -> None:
    other = tmp_path / "other"
    other.write_text(NEW_SECRET, "utf-8")
    token = OrderTokens(SecretFile(other), HOUR, clock).mint(ORDER, HOUR, personal=False).value
    with pytest.raises(NotAuthenticated):
        tokens.principal(token)


def test_a_jwt_for_something_else_that_the_secret_signed_is_none(tokens: OrderTokens) -> None:
    """One who uses a secret for two things must not find that one opens the other."""
    claims = {
        "iss": "x",
        "aud": "y",
        "exp": int((NOON + HOUR).timestamp()),
        "shop": "acme",
        "order": {"orderNumber": "1"},
    }
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET), algorithms=["HS256"])
    with pytest.raises(NotAuthenticated):
        tokens.principal(token)


class TestRotation:
    def test_the_first_secret_signs_and_both_are_good(self, tokens: OrderTokens, file: Path) -> None:
        old = tokens.mint(ORDER, HOUR, personal=False).value
        file.write_text(f"{NEW_SECRET}\n{SECRET}\n", "utf-8")
        new = tokens.mint(ORDER, HOUR, personal=False).value
        assert tokens.principal(old) == tokens.principal(new)
        file.write_text(f"{NEW_SECRET}\n", "utf-8")
        tokens.principal(new)
        with pytest.raises(NotAuthenticated):
            tokens.principal(old)

    def test_a_file_that_is_put_in_place_of_the_old_is_seen(self, tokens: OrderTokens, file: Path) -> None:
        """As orchestrators do with secrets that they mount: another file by the same name, of the same length."""
        old = tokens.mint(ORDER, HOUR, personal=False).value
        stat = file.stat()
        other = file.with_name("other")
        other.write_text(SECRET[::-1] + "\n", "utf-8")
        os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        other.replace(file)
        with pytest.raises(NotAuthenticated):
            tokens.principal(old)

    @pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40, f"{SECRET}\nshort".encode(), b"x\ny\nz"])
    def test_the_last_secrets_hold_while_the_file_is_unusable(
        self, tokens: OrderTokens, file: Path, content: bytes
    ) -> None:
        token = tokens.mint(ORDER, HOUR, personal=False).value
        file.write_bytes(content)
        tokens.principal(token)
        file.unlink()
        tokens.principal(token)

    def test_without_any_secret_nobody_can_say(self, tokens: OrderTokens, file: Path) -> None:
        file.unlink()
        with pytest.raises(AuthenticationUnavailable):
            tokens.principal("e30.e30.e30")


@pytest.mark.parametrize("content", ["", "\n\n", "short", f"{SECRET}\nshort", f"{SECRET}\n" * 3])
def test_a_file_that_cannot_serve_is_told_at_the_start(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secret"
    file.write_text(content, "utf-8")
    with pytest.raises(UnusableSecrets) as error:
        SecretFile(file).check()
    assert "short" not in str(error.value)
