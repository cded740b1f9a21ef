"""JSON Web Tokens: which are taken, and whom they speak of. RFC 8725 lists the ways in which such checks go wrong."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import Key

from gateway.auth.errors import NotAuthenticated
from gateway.auth.jwt_verifier import JwtVerifier, SecretKeys
from gateway.auth.principal import OneOrder, Principal, Scope
from gateway.auth.secret_file import SecretFile
from gateway.auth.settings import JwtSettings
from gateway.orders.identity import OrderKey
from tests.gateway.auth.tokens import AUDIENCE, EC, ISSUER, NOON, OTHER_RSA, RSA, SECRET, claims, signed

BY_KEYS = JwtSettings(issuer=ISSUER, audience=AUDIENCE, jwks_url="https://idp.test/keys")


class Published:
    """Public keys, of which a token may name one."""

    def __init__(self, *keys: Key) -> None:
        self._keys = keys

    async def keys(self, kid: str | None) -> Sequence[Key]:
        return [key for key in self._keys if kid is None or key.kid == kid]


def verifier(settings: JwtSettings = BY_KEYS, *keys: Key) -> JwtVerifier:
    return JwtVerifier(settings, Published(*(keys or (RSA, EC))), lambda: NOON)


def changed(settings: JwtSettings, **values: Any) -> JwtSettings:
    return JwtSettings(**{**settings.model_dump(exclude_none=True), **values})


def encoded(part: dict[str, Any]) -> str:
    """A part of a token, written by hand."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def signed_by_hand(header: dict[str, Any]) -> str:
    """A token with a header that the library would not write."""
    signed_part = f"{encoded(header)}.{encoded(claims())}"
    signature = RSA.private_key.sign(signed_part.encode(), PKCS1v15(), SHA256())  # type: ignore[union-attr]
    return f"{signed_part}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def write(file: Path, secrets: str) -> None:
    file.write_text(secrets, "utf-8")


async def refusal(token: str, settings: JwtSettings = BY_KEYS) -> str:
    """Why a token is not taken, in the words that the client is told."""
    with pytest.raises(NotAuthenticated) as error:
        await verifier(settings).principal(token)
    return error.value.message


class TestSignature:
    @pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
    async def test_a_token_that_a_published_key_signed_is_taken(self, key: Key, algorithm: str) -> None:
        principal = await verifier().principal(signed(key, algorithm))
        assert principal == Principal("page", frozenset({"acme"}), frozenset({Scope.ORDERS_READ}))

    async def test_a_token_that_names_no_key_is_tried_with_each(self) -> None:
        token = jwt.encode({"alg": "ES256"}, claims(), EC, algorithms=["ES256"])
        assert (await verifier().principal(token)).name == "page"

    async def test_a_key_that_is_not_published_proves_nothing(self) -> None:
        assert "signature" in await refusal(signed(OTHER_RSA))
        assert "signature" in await refusal(signed(OTHER_RSA, header={"kid": "rsa"}))

    async def test_a_token_without_a_signature_is_none(self) -> None:
        assert "signature" in await refusal(f"{encoded({'alg': 'none'})}.{encoded(claims())}.")

    async def test_a_public_key_taken_for_a_secret_proves_nothing(self) -> None:
        """The attack that an allow-list with HS256 beside RS256 would let through."""
        signed_part = f"{encoded({'alg': 'HS256', 'kid': 'rsa'})}.{encoded(claims())}"
        mac = hmac.digest(RSA.as_pem(private=False), signed_part.encode(), "sha256")
        forged = f"{signed_part}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert "signature" in await refusal(forged)

    async def test_an_algorithm_that_is_not_allowed_is_not_taken_though_its_key_is_published(self) -> None:
        assert "signature" in await refusal(signed(RSA, "RS512"))
        assert (await verifier(changed(BY_KEYS, algorithms="RS512")).principal(signed(RSA, "RS512"))).name == "page"

    @pytest.mark.parametrize("part", [0, 1, 2])
    async def test_a_changed_token_proves_nothing(self, part: int) -> None:
        parts = signed().split(".")
        parts[part] = ("A" if parts[part][0] != "A" else "B") + parts[part][1:]
        with pytest.raises(NotAuthenticated):
            await verifier().principal(".".join(parts))

    @pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "e30.e30.e30", "x" * 300, "eyJ.é.x", "a.b.c.d.e"])
    async def test_what_is_no_token_is_refused_as_such(self, token: str) -> None:
        with pytest.raises(NotAuthenticated):
            await verifier().principal(token)

    async def test_where_a_token_says_its_keys_are_is_never_heeded(self) -> None:
        header = {"jku": "https://evil.test/keys", "jwk": OTHER_RSA.as_dict(private=False), "kid": "rsa"}
        with pytest.raises(NotAuthenticated):
            await verifier().principal(signed(OTHER_RSA, header=header))

    async def test_members_of_a_header_that_are_not_known_are_ignored_unless_they_are_critical(self) -> None:
        assert (await verifier().principal(signed(header={"odd": "1"}))).name == "page"
        with pytest.raises(NotAuthenticated):
            await verifier().principal(signed_by_hand({"alg": "RS256", "kid": "rsa", "odd": "1", "crit": ["odd"]}))


class TestClaims:
    @pytest.mark.parametrize(
        "wrong",
        [
            {"iss": "https://idp.test"},
            {"iss": None},
            {"aud": "somebody else"},
            {"aud": ["a", "b"]},
            {"aud": None},
            {"exp": None},
            {"exp": int((NOON - timedelta(seconds=31)).timestamp())},
            {"exp": "never"},
            {"nbf": int((NOON + timedelta(seconds=31)).timestamp())},
            {"iat": int((NOON + timedelta(seconds=31)).timestamp())},
        ],
        ids=str,
    )
    async def test_a_token_that_is_not_for_us_or_not_for_now_is_refused(self, wrong: dict[str, Any]) -> None:
        assert "expired, or is not meant" in await refusal(signed(**wrong))

    async def test_a_clock_that_is_off_by_the_leeway_is_forgiven(self) -> None:
        expired = signed(exp=int((NOON - timedelta(seconds=29)).timestamp()))
        assert (await verifier().principal(expired)).name == "page"
        assert await refusal(expired, changed(BY_KEYS, leeway_seconds=0))

    async def test_one_audience_of_several_is_enough(self) -> None:
        assert (await verifier().principal(signed(aud=["x", AUDIENCE]))).name == "page"

    @pytest.mark.parametrize(
        ("claim", "shops"),
        [(["a", "b"], frozenset({"a", "b"})), (["*"], None), (["*", "a"], frozenset({"*", "a"})), (None, frozenset())],
    )
    async def test_the_shops_are_those_that_are_claimed(self, claim: Any, shops: frozenset[str] | None) -> None:
        assert (await verifier().principal(signed(shops=claim))).shops == shops

    @pytest.mark.parametrize("claim", ["orders:read admin x", ["orders:read", "admin", "x", 1]])
    async def test_scopes_are_words_of_a_text_or_a_list_and_others_than_ours_are_ignored(self, claim: Any) -> None:
        assert (await verifier().principal(signed(scope=claim))).scopes == {Scope.ORDERS_READ, Scope.ADMIN}

    @pytest.mark.parametrize(
        "wrong", [{"shops": "acme"}, {"shops": [1]}, {"shops": {}}, {"scope": 1}, {"scope": {"orders:read": True}}]
    )
    async def test_a_claim_in_another_form_grants_nothing(self, wrong: dict[str, Any]) -> None:
        assert "claim" in await refusal(signed(**wrong))

    async def test_the_names_of_claims_can_be_set(self) -> None:
        settings = changed(BY_KEYS, shops_claim="https://acme.test/shops", scope_claim="permissions")
        token = signed(**{"https://acme.test/shops": ["b"], "permissions": ["orders:write"]})
        principal = await verifier(settings).principal(token)
        assert (principal.shops, principal.scopes) == ({"b"}, {Scope.ORDERS_WRITE})


class TestOneOrder:
    async def test_a_token_with_the_claim_reads_that_order_and_holds_no_other_scope(self) -> None:
        token = signed(order={"orderNumber": "1", "externalId": "e"}, scope="orders:read orders:write admin")
        principal = await verifier().principal(token)
        names = frozenset({OrderKey("order_number", "1"), OrderKey("external_id", "e")})
        assert principal.order == OneOrder("acme", names)
        assert principal.scopes == {Scope.ORDERS_READ}

    async def test_it_shows_personal_data_with_that_scope(self) -> None:
        token = signed(order={"orderNumber": "1"}, scope="orders:read personal:read")
        assert (await verifier().principal(token)).may(Scope.PERSONAL_READ)

    @pytest.mark.parametrize(
        "claim", [{}, [], "1", 0, False, {"orderNumber": ""}, {"orderNumber": 1}, {"trackingNumber": "1"}, {"id": "x"}]
    )
    async def test_a_claim_that_cannot_be_read_never_makes_a_token_for_the_whole_shop(self, claim: Any) -> None:
        assert "claim" in await refusal(signed(order=claim))

    @pytest.mark.parametrize("shops", [["a", "b"], ["*"], [], None])
    async def test_it_must_name_one_shop(self, shops: Any) -> None:
        assert "one shop" in await refusal(signed(order={"orderNumber": "1"}, shops=shops))


class TestSecret:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "secret"
        file.write_text(SECRET, "utf-8")
        return file

    @pytest.fixture
    def verifier(self, file: Path) -> JwtVerifier:
        settings = JwtSettings(issuer=ISSUER, audience=AUDIENCE, secret_file=file)
        return JwtVerifier(settings, SecretKeys(SecretFile(file)), lambda: NOON)

    async def test_a_token_signed_with_the_secret_is_taken(self, verifier: JwtVerifier) -> None:
        assert (await verifier.principal(signed(SECRET, "HS256"))).name == "page"

    @pytest.mark.parametrize(("key", "algorithm"), [("x" * 40, "HS256"), (SECRET, "HS512"), (RSA, "RS256")])
    async def test_nothing_else_is(self, verifier: JwtVerifier, key: Key | str, algorithm: str) -> None:
        with pytest.raises(NotAuthenticated):
            await verifier.principal(signed(key, algorithm))

    async def test_a_new_secret_holds_at_once_and_an_old_one_beside_it_too(
        self, verifier: JwtVerifier, file: Path
    ) -> None:
        old, new = signed(SECRET, "HS256"), signed("n" * 40, "HS256")
        await verifier.principal(old)
        write(file, f"{'n' * 40}\n{SECRET}\n")
        await verifier.principal(new)
        await verifier.principal(old)
        write(file, "n" * 40)
        with pytest.raises(NotAuthenticated):
            await verifier.principal(old)
