"""What a client calls itself is bounded before it stands in a metric or a log."""

from __future__ import annotations

import pytest

from gateway.telemetry.clients import MOST_VERSIONS, Client, KnownClients


def test_a_known_client_is_told_by_name_and_version() -> None:
    assert KnownClients(["order-page"]).client("order-page", "1.2.3") == Client("order-page", "1.2.3")


def test_every_other_name_is_one_and_has_no_versions() -> None:
    clients = KnownClients(["order-page"])

    assert {clients.client(f"name-{number}", "1") for number in range(100)} == {Client("other")}


@pytest.mark.parametrize(("name", "version"), [(None, None), ("", "1"), (None, "1.2")])
def test_one_that_says_nothing_is_none(name: str | None, version: str | None) -> None:
    assert KnownClients(["order-page"]).client(name, version) == Client("none", "none")


@pytest.mark.parametrize("version", ["a b", "ada@example.org", "x" * 33, "1/2", "-1", "é"])
def test_what_is_no_version_is_another_one(version: str) -> None:
    assert KnownClients(["app"]).client("app", version) == Client("app", "other")


def test_versions_of_a_client_are_bounded_and_those_seen_stay() -> None:
    clients = KnownClients(["app", "shop"])
    seen = {clients.client("app", f"1.{number}").version for number in range(MOST_VERSIONS + 50)}

    assert len(seen) == MOST_VERSIONS + 1
    assert clients.client("app", "1.0").version == "1.0"
    assert clients.client("app", "9.9").version == "other"
    assert clients.client("shop", "9.9").version == "9.9"
