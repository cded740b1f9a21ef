"""The gateway's settings: one frozen `Settings`, from defaults, then a TOML file, then `TRACKGRAPH_…` variables.

Whatever is wrong is said at start, all of it at once, by name and with a suggestion, and never with a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from gateway.auth.secret_file import SecretFile, UnusableSecrets
from gateway.settings.catalogue import SettingDoc, setting_docs
from gateway.settings.model import (
    AuthMode,
    AuthSettings,
    Mode,
    ServerSettings,
    Settings,
    ShopSettings,
    StoreSettings,
    settings_model,
)
from gateway.settings.problems import ConfigurationError, Problem, problems_of
from gateway.settings.sources import (
    CONFIG_VARIABLE,
    Values,
    file_of,
    locate_files,
    read_environment,
    read_secret_files,
    read_toml,
    unflatten,
)

__all__ = [
    "CONFIG_VARIABLE",
    "AuthMode",
    "AuthSettings",
    "ConfigurationError",
    "Mode",
    "ServerSettings",
    "SettingDoc",
    "Settings",
    "ShopSettings",
    "StoreSettings",
    "load_settings",
    "parse_settings",
    "setting_docs",
    "startup_warnings",
]


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings that `environ` holds and the TOML file that its `TRACKGRAPH_CONFIG` names, if it does.

    Raises `ConfigurationError` with every problem: unknown and wrong settings, unreadable files, and settings that
    contradict each other.
    """
    config = environ.get(CONFIG_VARIABLE)
    from_file = read_toml(Path(config)) if config else {}
    shops = {path[1] for path in from_file if path[0] == "shops" and len(path) > 1}
    from_environment, unknown = read_environment(environ, shops)
    values, unreadable = read_secret_files(from_file | from_environment)
    settings, wrong = _validate(locate_files(values))
    unread = {problem.path for problem in unreadable}
    problems = [*unknown, *unreadable, *(problem for problem in wrong if file_of(problem.path) not in unread)]
    if settings is None or problems:
        raise ConfigurationError(str(problem) for problem in problems)
    if contradictions := _contradictions(settings):
        raise ConfigurationError(str(problem) for problem in contradictions)
    return settings


def parse_settings(document: Mapping[str, object]) -> Settings:
    """The settings in `document`, which is shaped as the TOML file is; the environment is not read.

    For whoever makes settings in code. Raises `ConfigurationError` for what is unknown or wrong.
    """
    try:
        return settings_model().model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(str(problem) for problem in problems_of(error, {})) from None


def startup_warnings(settings: Settings) -> list[str]:
    """What the gateway says loudly when it starts with `settings`, though it starts."""
    if settings.auth.mode is AuthMode.NONE and not settings.server.is_loopback:
        return [
            f"WARNING: no authentication on {settings.server.host}: everyone who reaches port {settings.server.port} "
            "can read every order of every shop (auth.mode = none, auth.allow_public = true)"
        ]
    return []


def _validate(values: Values) -> tuple[Settings | None, list[Problem]]:
    try:
        return settings_model().model_validate(unflatten(values)), []
    except ValidationError as error:
        return None, problems_of(error, {path: given.origin for path, given in values.items()})


def _unusable_secret_files(auth: AuthSettings) -> Iterator[Problem]:
    """Files of secrets that are read while the gateway runs: it starts only if they can be read now."""
    for table, settings in (("jwt", auth.jwt), ("order_tokens", auth.order_tokens)):
        if settings is not None and settings.secret_file is not None:
            path = ("auth", table, "secret_file")
            try:
                SecretFile(settings.secret_file).check()
            except OSError as error:
                yield Problem(path, f"cannot be read: {error.strerror}")
            except UnusableSecrets as error:
                yield Problem(path, str(error))


def _contradictions(settings: Settings) -> list[Problem]:
    """Settings that are right alone and wrong together."""
    problems = []
    if settings.auth.mode is AuthMode.NONE and not (settings.server.is_loopback or settings.auth.allow_public):
        problems.append(
            Problem(
                ("auth", "mode"),
                "none is refused on an address that others can reach; set server.host to 127.0.0.1, or "
                "auth.allow_public = true if something in front of the gateway lets the right callers through",
            )
        )
    problems += _unusable_secret_files(settings.auth)
    if settings.server.workers > 1 and settings.cache.is_in_process:
        problems.append(
            Problem(
                ("server", "workers"),
                "several workers need a cache that they share, or they answer differently after a write; "
                "set cache.url to redis://…, or run one worker",
            )
        )
    if not settings.shops:
        problems.append(Problem(("shops",), "no shop is set; trackgraph.example.toml shows how one is"))
    problems += [
        Problem(("shops", slug), "has no provider; add a table such as " + f"[shops.{slug}.karla]")
        for slug, shop in settings.shops.items()
        if not shop.providers
    ]
    return problems
