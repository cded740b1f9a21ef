"""What can be set, where it comes from, and how a mistake in it is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr, ValidationError, field_validator

from gateway.settings import (
    ConfigurationError,
    Mode,
    SettingDoc,
    Settings,
    load_settings,
    parse_settings,
    setting_docs,
    startup_warnings,
)
from gateway.settings.problems import problems_of as describe_errors
from providers.karla.settings import KarlaSettings

REPOSITORY = Path(__file__).resolve().parents[2]

KARLA = """
[shops.acme.karla]
slug = "acme"
api_key = "a key"
"""

SENTINEL = "5e4t1n3l"
"""Stands for a value that must not be repeated."""


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a settings file and answers an environment that names it."""

    def write(text: str, **variables: str) -> dict[str, str]:
        file = tmp_path / "trackgraph.toml"
        file.write_text(text, "utf-8")
        return {"TRACKGRAPH_CONFIG": str(file), **variables}

    return write


def problems_of(environ: Mapping[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        load_settings(environ)
    return list(refusal.value.problems)


def karla_of(settings: Settings, shop: str = "acme") -> KarlaSettings:
    karla = settings.shops[shop].providers["karla"]
    assert isinstance(karla, KarlaSettings)
    return karla


def test_the_example_file_is_accepted_and_names_every_provider() -> None:
    settings = load_settings({"TRACKGRAPH_CONFIG": str(REPOSITORY / "trackgraph.example.toml")})

    assert settings.shops["acme"].name == "Acme"
    assert set(settings.shops["acme"].providers) == {"karla", "paypal", "billink", "hypertrack"}


def test_what_is_left_out_has_the_documented_default(write: Any) -> None:
    settings = load_settings(write(KARLA))

    assert settings.store.url.get_secret_value() == "sqlite+aiosqlite:///trackgraph.db"
    assert settings.cache.url.get_secret_value() == "memory://"
    assert (settings.server.host, settings.server.port, settings.server.workers) == ("127.0.0.1", 8000, 1)
    assert settings.server.max_body_bytes == 1024 * 1024
    assert (settings.server.query_deadline_seconds, settings.server.call_deadline_seconds) == (8, 5)


def test_settings_cannot_be_changed(write: Any) -> None:
    settings = load_settings(write(KARLA))

    with pytest.raises(ValidationError):
        settings.server.port = 1


def test_a_shop_has_the_providers_that_it_sets_in_order_of_trust(write: Any) -> None:
    settings = load_settings(write('[shops.acme.hypertrack]\naccount_id = "a"\nsecret_key = "k"' + KARLA))

    assert list(settings.shops["acme"].providers) == ["karla", "hypertrack"]


class TestEnvironment:
    def test_a_variable_wins_over_the_file(self, write: Any) -> None:
        environ = write(KARLA + "[server]\nport = 1000\nhost = '127.0.0.2'", TRACKGRAPH_SERVER__PORT="2000")

        settings = load_settings(environ)

        assert (settings.server.port, settings.server.host) == (2000, "127.0.0.2")

    def test_variables_alone_are_enough(self) -> None:
        settings = load_settings(
            {
                "TRACKGRAPH_SHOPS__ACME__KARLA__SLUG": "acme",
                "TRACKGRAPH_SHOPS__ACME__KARLA__API_KEY": "from a variable",
                "TRACKGRAPH_FRESHNESS__LIVE": "7.5",
                "TRACKGRAPH_SERVER__ACCESS_LOG": "true",
            }
        )

        assert karla_of(settings).api_key.get_secret_value() == "from a variable"
        assert settings.freshness.live == timedelta(seconds=7.5)
        assert settings.server.access_log

    def test_a_shop_of_the_file_with_a_hyphen_is_meant_by_an_underscore(self, write: Any) -> None:
        environ = write(KARLA.replace("acme", "acme-nl"), TRACKGRAPH_SHOPS__ACME_NL__KARLA__API_KEY="from a variable")

        settings = load_settings(environ)

        assert list(settings.shops) == ["acme-nl"]
        assert karla_of(settings, "acme-nl").api_key.get_secret_value() == "from a variable"

    def test_a_shop_with_that_very_name_comes_before_one_with_a_hyphen(self, write: Any) -> None:
        environ = write(
            KARLA.replace("acme", "acme-nl") + KARLA.replace("acme", "acme_nl"),
            TRACKGRAPH_SHOPS__ACME_NL__KARLA__API_KEY="from a variable",
        )

        settings = load_settings(environ)

        assert karla_of(settings, "acme-nl").api_key.get_secret_value() == "a key"
        assert karla_of(settings, "acme_nl").api_key.get_secret_value() == "from a variable"

    def test_what_kubernetes_puts_beside_a_service_of_our_name_is_no_setting(self, write: Any) -> None:
        environ = write(
            KARLA,
            TRACKGRAPH_SERVICE_HOST="10.0.0.1",
            TRACKGRAPH_SERVICE_PORT="8000",
            TRACKGRAPH_SERVICE_PORT_HTTP="8000",
            TRACKGRAPH_PORT="tcp://10.0.0.1:8000",
            TRACKGRAPH_PORT_8000_TCP="tcp://10.0.0.1:8000",
            TRACKGRAPH_PORT_8000_TCP_ADDR="10.0.0.1",
        )

        assert load_settings(environ).server.port == 8000

    @pytest.mark.parametrize("doc", [doc for doc in setting_docs() if doc.default], ids=lambda doc: doc.name)
    def test_every_setting_can_be_set_by_its_documented_variable(
        self, doc: SettingDoc, write: Any, tmp_path: Path
    ) -> None:
        secret = tmp_path / "secret"
        secret.write_text("s" * 32, "utf-8")
        auth = (
            '[auth.jwt]\nissuer = "https://idp.test"\naudience = "trackgraph"\njwks_url = "https://idp.test/keys"\n'
            f'[auth.order_tokens]\nsecret_file = "{secret}"\n'
        )
        shops = (
            KARLA
            + auth
            + "".join(
                f"[shops.acme.{name}]\n" + "".join(f'{key} = "x"\n' for key in keys)
                for name, keys in {
                    "paypal": ("client_id", "client_secret"),
                    "billink": ("billink_id", "username"),
                    "hypertrack": ("account_id", "secret_key"),
                }.items()
            )
        )
        assert doc.default is not None
        variable = doc.variable.replace("<SHOP>", "ACME")

        settings = load_settings(write(shops, **{variable: doc.default.strip('"')}))

        assert as_text(value_at(settings, doc.name.replace("<shop>", "acme"))) == doc.default.strip('"')


def value_at(settings: Settings, name: str) -> object:
    value: Any = settings
    for key in name.split("."):
        value = value[key] if isinstance(value, Mapping) else getattr(value, key)
    return value


def as_text(value: Any) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case timedelta():
            return f"{value.total_seconds():.12g}"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.12g}"
        case tuple():
            return ", ".join(value)
        case _:
            return str(getattr(value, "text", value))


class TestSecretFiles:
    def test_a_secret_is_read_from_its_file_beside_the_settings_less_one_newline(
        self, write: Any, tmp_path: Path
    ) -> None:
        (tmp_path / "key.txt").write_bytes(b" spaces stay \n\n")
        environ = write('[shops.acme.karla]\nslug = "acme"\napi_key_file = "key.txt"')

        assert karla_of(load_settings(environ)).api_key.get_secret_value() == " spaces stay \n"

    def test_a_variable_can_name_the_file(self, write: Any, tmp_path: Path) -> None:
        (tmp_path / "key.txt").write_text("from a file\r\n")
        environ = write(
            '[shops.acme.karla]\nslug = "acme"',
            TRACKGRAPH_SHOPS__ACME__KARLA__API_KEY_FILE=str(tmp_path / "key.txt"),
        )

        assert karla_of(load_settings(environ)).api_key.get_secret_value() == "from a file"

    def test_the_urls_of_store_and_cache_are_secrets_because_they_can_hold_a_password(
        self, write: Any, tmp_path: Path
    ) -> None:
        (tmp_path / "cache").write_text("redis://:secret@localhost:6379/0")
        (tmp_path / "store").write_text("sqlite+aiosqlite:///other.db")
        settings = load_settings(write('store.url_file = "store"\ncache.url_file = "cache"' + KARLA))

        assert settings.cache.url.get_secret_value() == "redis://:secret@localhost:6379/0"
        assert settings.store.url.get_secret_value() == "sqlite+aiosqlite:///other.db"

    def test_a_secret_and_its_file_are_not_given_together(self, write: Any, tmp_path: Path) -> None:
        (tmp_path / "key.txt").write_text(SENTINEL)
        environ = write(KARLA, TRACKGRAPH_SHOPS__ACME__KARLA__API_KEY_FILE=str(tmp_path / "key.txt"))

        assert problems_of(environ) == [
            "TRACKGRAPH_SHOPS__ACME__KARLA__API_KEY_FILE: shops.acme.karla.api_key_file: "
            "is given as well as api_key; keep one of them"
        ]

    def test_a_file_that_cannot_be_read_is_one_problem(self, write: Any, tmp_path: Path) -> None:
        environ = write('[shops.acme.karla]\nslug = "acme"\napi_key_file = "nothing.txt"')

        assert problems_of(environ) == [
            f"{tmp_path}/trackgraph.toml: shops.acme.karla.api_key_file: cannot be read: No such file or directory"
        ]

    def test_only_secrets_have_files(self, write: Any) -> None:
        environ = write(KARLA + 'base_url_file = "x"')

        [problem] = problems_of(environ)
        assert "shops.acme.karla.base_url_file: is not a setting; did you mean shops.acme.karla.base_url?" in problem


class TestProblems:
    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("[sever]\nport = 1", "sever: is not a setting; did you mean server?"),
            ("[server]\nprot = 1", "server.prot: is not a setting; did you mean server.port?"),
            ("port = 1", "port: is not a setting; did you mean server.port?"),
            ("[server]\nworkers = 'many'", "server.workers: should be a valid integer"),
            ("[server]\nport = 70000", "server.port: should be less than or equal to 65535"),
            ("server = 1", "server: should be a table ([server])"),
            ("[auth]\nmode = 'nobody'", "auth.mode: should be 'none'"),
            ("[freshness]\nlive = 'soon'", "freshness.live: should be a number of seconds"),
            ("[store]\nurl = 'trackgraph.db'", "store.url: should be a URL such as sqlite+aiosqlite:///trackgraph.db"),
            ("[store]\nurl = 'sqlite:///t.db'", "store.url: should name an asyncio driver"),
            ("[store]\nurl = 'mysql+asyncmy://h/d'", "store.url: needs the Python package asyncmy"),
            (
                "[shops.acme.krala]",
                "shops.acme.krala: is no provider that is installed; did you mean shops.acme.karla?",
            ),
            ("[shops.Acme.karla]\nslug='a'\napi_key='k'", "shops.Acme: a shop's name in the settings takes a-z"),
            ("[shops.acme.karla]\nslug='a'", "shops.acme.karla.api_key: is required; set it or api_key_file, or TRACK"),
            ("[shops.acme.hypertrack]\naccount_id=''", "shops.acme.hypertrack.account_id: should have at least 1 char"),
            ("[shops.acme]\nname = 'Acme'", "shops.acme: has no provider; add a table such as [shops.acme.karla]"),
        ],
    )
    def test_a_mistake_in_the_file_is_named_with_what_is_expected(self, write: Any, text: str, problem: str) -> None:
        rest = "" if "shops" in text else KARLA

        assert any(problem in line for line in problems_of(write(text + "\n" + rest)))

    @pytest.mark.parametrize(
        ("variable", "suggestion"),
        [
            ("TRACKGRAPH_STORE_URL", "; did you mean TRACKGRAPH_STORE__URL?"),
            ("TRACKGRAPH_SERVER__PROT", "; did you mean TRACKGRAPH_SERVER__PORT?"),
            ("TRACKGRAPH_SHOPS__ACME__KARLA__APIKEY", "; did you mean TRACKGRAPH_SHOPS__ACME__KARLA__API_KEY?"),
            ("TRACKGRAPH_SERVER__PORT__X", "; did you mean TRACKGRAPH_SERVER__PORT?"),
            ("TRACKGRAPH_BOGUS", ""),
        ],
    )
    def test_an_unknown_variable_is_named_with_a_suggestion(self, write: Any, variable: str, suggestion: str) -> None:
        environ = write(KARLA, **{variable: SENTINEL})

        assert problems_of(environ) == [f"{variable}: is not a setting{suggestion}"]

    def test_a_wrong_value_is_told_with_the_file_or_variable_that_gave_it(self, write: Any, tmp_path: Path) -> None:
        environ = write(KARLA + "[server]\nport = 0.5\nworkers = 1", TRACKGRAPH_SERVER__WORKERS="x")

        assert [line.partition(": ")[0] for line in problems_of(environ)] == [
            f"{tmp_path}/trackgraph.toml",
            "TRACKGRAPH_SERVER__WORKERS",
        ]

    def test_all_problems_are_told_at_once_on_a_line_each_and_no_value_is_repeated(self, write: Any) -> None:
        text = f"""
        [stor]
        url = "{SENTINEL}"
        [store]
        url = "{SENTINEL}"
        [cache]
        url = "{SENTINEL}"
        encryption_key = "{SENTINEL}"
        [server]
        port = "{SENTINEL}"
        mode = "{SENTINEL}"
        log_level = "{SENTINEL}"
        [freshness]
        live = "{SENTINEL}"
        [shops.acme.karla]
        base_url = "{SENTINEL}"
        slug = 5
        api_key = ["{SENTINEL}"]
        [shops.acme.billink]
        invoice_number = "{SENTINEL}"
        path = "{SENTINEL}"
        """

        problems = problems_of(write(text, TRACKGRAPH_SERVER__WORKERS=SENTINEL, TRACKGRAPH_AUTH__MOD=SENTINEL))

        assert len(problems) == len(set(problems)) >= 17
        assert not [line for line in problems if SENTINEL in line or "\n" in line]

    def test_a_check_that_quotes_the_value_in_its_message_is_not_quoted(self) -> None:
        class Quoting(BaseModel):
            code: str

            @field_validator("code")
            @classmethod
            def _refuse(cls, code: str) -> str:
                raise ValueError(f"{code} is wrong")

        with pytest.raises(ValidationError) as refusal:
            Quoting.model_validate({"code": SENTINEL})

        assert [str(problem) for problem in describe_errors(refusal.value, {})] == ["code: is not accepted"]

    def test_a_syntax_error_is_told_with_file_and_line(self, write: Any, tmp_path: Path) -> None:
        [problem] = problems_of(write("[store]\nurl = \n"))

        assert problem.startswith(f"{tmp_path}/trackgraph.toml:2: is not TOML: ")

    def test_a_file_that_is_not_there_is_named(self) -> None:
        assert problems_of({"TRACKGRAPH_CONFIG": "/nowhere/t.toml"}) == [
            "/nowhere/t.toml: cannot be read: No such file or directory"
        ]

    def test_no_shop_is_a_problem(self, write: Any) -> None:
        assert problems_of(write("")) == ["shops: no shop is set; trackgraph.example.toml shows how one is"]

    def test_settings_made_in_code_are_checked_as_well(self) -> None:
        with pytest.raises(ConfigurationError, match=r"server\.prot: is not a setting; did you mean server\.port\?"):
            parse_settings({"server": {"prot": 1}})

    def test_no_secret_shows_in_the_repr(self, write: Any) -> None:
        settings = load_settings(write(KARLA.replace("a key", SENTINEL)))

        assert SENTINEL not in repr(settings)


LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class TestHosts:
    @pytest.mark.parametrize(
        ("tables", "answered"),
        [
            ({}, LOOPBACK),
            ({"server": {"host": "127.8.9.10"}}, LOOPBACK | {"127.8.9.10"}),
            ({"server": {"hosts": ["orders.example.com", "[fd00::1]"]}}, LOOPBACK | {"orders.example.com", "fd00::1"}),
            ({"server": {"hosts": ["*"]}}, None),
            ({"auth": {"mode": "required"}}, None),
            (
                {"auth": {"mode": "required"}, "server": {"host": "10.0.0.1", "hosts": ["orders.example.com"]}},
                LOOPBACK | {"10.0.0.1", "orders.example.com"},
            ),
            ({"auth": {"allow_public": True}, "server": {"host": "10.0.0.1"}}, None),
        ],
    )
    def test_names_that_are_answered_to(self, tables: dict[str, Any], answered: set[str] | None) -> None:
        assert parse_settings(tables).answered_hosts == answered

    @pytest.mark.parametrize("host", ["https://orders.example.com", "orders.example.com:443", "Orders.example.com", ""])
    def test_what_is_no_name_is_refused(self, host: str) -> None:
        with pytest.raises(ConfigurationError, match=r"server\.hosts: should be names or addresses in lower case"):
            parse_settings({"server": {"hosts": [host]}})


class TestRateLimits:
    def test_there_are_none_unless_they_are_set(self) -> None:
        assert parse_settings({}).rate_limits.requests_per_minute == 0

    def test_a_burst_is_not_more_than_a_minutes_requests(self) -> None:
        with pytest.raises(ConfigurationError, match="burst should be at most requests_per_minute"):
            parse_settings({"rate_limits": {"requests_per_minute": 10, "burst": 11}})

    def test_a_limit_can_be_switched_off_above_its_burst(self) -> None:
        assert parse_settings({"rate_limits": {"requests_per_minute": 0, "burst": 11}})


class TestAuthentication:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
    def test_none_is_allowed_on_loopback_without_a_word(self, write: Any, host: str) -> None:
        settings = load_settings(write(KARLA, TRACKGRAPH_SERVER__HOST=host))

        assert startup_warnings(settings) == []

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org", "127.0.0.1.example.org"])  # noqa: S104
    def test_none_is_refused_elsewhere(self, write: Any, host: str) -> None:
        [problem] = problems_of(write(KARLA, TRACKGRAPH_SERVER__HOST=host))

        assert problem.startswith("auth.mode: none is refused on an address that others can reach; set server.host")

    def test_none_elsewhere_can_be_insisted_on_and_is_said_loudly(self, write: Any) -> None:
        settings = load_settings(write(KARLA + "[auth]\nallow_public = true", TRACKGRAPH_SERVER__HOST="10.0.0.1"))

        [warning] = startup_warnings(settings)
        assert warning.startswith("WARNING: no authentication on 10.0.0.1")

    @pytest.mark.parametrize(
        ("server", "mode"),
        [
            ({}, Mode.DEVELOPMENT),
            ({"mode": "production"}, Mode.PRODUCTION),
            ({"host": "10.0.0.1"}, Mode.PRODUCTION),
            ({"host": "10.0.0.1", "mode": "development"}, Mode.DEVELOPMENT),
        ],
    )
    def test_a_mode_that_is_left_out_is_development_only_without_authentication_on_loopback(
        self, server: dict[str, str], mode: Mode
    ) -> None:
        assert parse_settings({"server": server}).mode is mode


class TestWorkers:
    def test_several_are_refused_over_a_memory_cache(self, write: Any) -> None:
        [problem] = problems_of(write(KARLA, TRACKGRAPH_SERVER__WORKERS="2"))

        assert problem.startswith("server.workers: several workers need a cache that they share")

    def test_several_are_accepted_over_a_shared_cache(self, write: Any) -> None:
        environ = write(KARLA, TRACKGRAPH_SERVER__WORKERS="2", TRACKGRAPH_CACHE__URL="redis://localhost:6379/0")

        assert load_settings(environ).server.workers == 2


class TestDocumentation:
    @pytest.mark.parametrize("doc", setting_docs(), ids=lambda doc: doc.name)
    def test_every_setting_says_what_it_does(self, doc: SettingDoc) -> None:
        assert len(doc.description) > 10
        assert doc.description.endswith(".")

    def test_every_field_of_the_models_is_listed_once(self, write: Any) -> None:
        names = [doc.name for doc in setting_docs()]

        assert len(names) == len(set(names))
        assert {name.replace("<shop>", "acme") for name in names} >= set(field_names(load_settings(write(KARLA))))


def field_names(model: BaseModel, path: str = "") -> list[str]:
    """The dotted names of everything that is set in `model`."""
    names = []
    for key, value in model:
        tables = value if isinstance(value, dict) else {None: value}
        for chosen, member in tables.items():
            name = ".".join(part for part in (path, key, chosen) if part)
            if isinstance(member, BaseModel):
                names += field_names(member, name)
            elif member is not None:
                names.append(name)
    return names


def test_a_third_partys_provider_is_checked_suggested_and_documented_like_ours(tmp_path: Path) -> None:
    """Its package only has to be importable and to hold an entry point."""
    metadata = tmp_path / "trackgraph_parcelbox-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: trackgraph-parcelbox\nVersion: 1.0.0\n")
    (metadata / "entry_points.txt").write_text("[trackgraph.providers]\nparcelbox = parcelbox:PARCELBOX\n")
    script = f"""
import sys
sys.path[:0] = [{str(tmp_path)!r}, {str(REPOSITORY / "tests" / "example_provider")!r}]
from gateway.settings import ConfigurationError, load_settings, setting_docs
key = "TRACKGRAPH_SHOPS__ACME__PARCELBOX__API_KEY"
print(*load_settings({{key: "k"}}).shops["acme"].providers)
print(key.replace("ACME", "<SHOP>") in [doc.variable for doc in setting_docs()])
try:
    load_settings({{key + "S": "k"}})
except ConfigurationError as error:
    print(error)
"""

    result = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert result.stdout.splitlines() == [
        "parcelbox",
        "True",
        "TRACKGRAPH_SHOPS__ACME__PARCELBOX__API_KEYS: is not a setting",
    ]
