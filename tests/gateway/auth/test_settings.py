"""What can be set about tokens, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.auth.settings import JwtSettings
from gateway.settings import ConfigurationError, load_settings

GOOD = {"issuer": "i", "audience": "a"}
URL = "https://idp.test/keys"


@pytest.mark.parametrize(
    ("given", "algorithms"),
    [
        ({"jwks_url": URL}, ("RS256", "ES256")),
        ({"jwks_url": URL, "algorithms": "PS256 Ed25519"}, ("PS256", "Ed25519")),
        ({"secret_file": "s"}, ("HS256",)),
    ],
)
def test_which_signatures_are_taken(given: dict[str, Any], algorithms: tuple[str, ...]) -> None:
    assert JwtSettings(**GOOD, **given).allowed_algorithms == algorithms


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"jwks_url": URL, "secret_file": "s"},
        {"jwks_url": URL, "algorithms": "RS256 HS256"},
        {"jwks_url": URL, "algorithms": "none"},
        {"jwks_url": URL, "algorithms": " "},
        {"secret_file": "s", "algorithms": "RS256"},
        {"jwks_url": "http://idp.test/keys"},
        {"jwks_url": "file:///etc/passwd"},
        {"jwks_url": "https://"},
    ],
    ids=str,
)
def test_keys_and_signatures_that_do_not_fit_together_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JwtSettings(**GOOD, **wrong)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:1"])
def test_an_identity_provider_on_this_machine_may_speak_http(host: str) -> None:
    assert JwtSettings(**GOOD, jwks_url=f"http://{host}/keys").jwks_url


CONFIG = """
[auth]
mode = "required"
[auth.order_tokens]
secret_file = "secrets/order"
[shops.acme.karla]
slug = "acme"
api_key = "key"
"""


class TestSecretFile:
    @pytest.fixture
    def config(self, tmp_path: Path) -> Path:
        (tmp_path / "secrets").mkdir()
        file = tmp_path / "trackgraph.toml"
        file.write_text(CONFIG, "utf-8")
        return file

    def test_its_name_starts_from_the_folder_of_the_settings(self, config: Path) -> None:
        secret = config.parent / "secrets" / "order"
        secret.write_text("s" * 32, "utf-8")
        settings = load_settings({"TRACKGRAPH_CONFIG": str(config)})
        assert settings.auth.order_tokens is not None
        assert settings.auth.order_tokens.secret_file == secret

    @pytest.mark.parametrize(
        ("content", "problem"), [(None, "cannot be read"), ("too short", "less than 32 bytes"), ("", "0 lines")]
    )
    def test_the_gateway_does_not_start_without_a_good_one(
        self, config: Path, content: str | None, problem: str
    ) -> None:
        if content is not None:
            (config.parent / "secrets" / "order").write_text(content, "utf-8")
        with pytest.raises(ConfigurationError) as error:
            load_settings({"TRACKGRAPH_CONFIG": str(config)})
        (line,) = error.value.problems
        assert line.startswith("auth.order_tokens.secret_file: ")
        assert problem in line
        assert "too short" not in line
