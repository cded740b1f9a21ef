"""Which shop is meant, and what each can be asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.orders.errors import ShopRequired, ShopUnknown
from gateway.orders.shops import Shops, rules_of
from providers.hypertrack.settings import HyperTrackSettings
from providers.registry import provider_specs
from tests.gateway.orders.conftest import World


async def test_the_only_shop_need_not_be_named(world: World) -> None:
    assert Shops({"acme": world.shop}).find(None) is world.shop


async def test_of_several_shops_one_has_to_be_named(world: World) -> None:
    shops = Shops({"other": replace(world.shop, slug="other"), "acme": world.shop})
    with pytest.raises(ShopRequired) as required:
        shops.find(None)
    assert required.value.details == {"shops": ["acme", "other"]}
    assert shops.find("acme") is world.shop


async def test_a_shop_that_nobody_knows_is_an_error_that_names_no_other(world: World) -> None:
    with pytest.raises(ShopUnknown) as unknown:
        Shops({"acme": world.shop}).find("emca")
    assert "acme" not in unknown.value.message


async def test_who_can_know_trackings_most_trusted_first(world: World) -> None:
    assert world.shop.tracking_providers == ("karla", "hypertrack", "paypal", "billink")
    assert world.shop.order_source is world.karla
    world.without("karla")
    assert world.shop.order_source is None
    assert world.shop.tracking_providers == ("hypertrack", "paypal", "billink")


def test_rules_are_read_from_the_settings_that_hold_them() -> None:
    settings = HyperTrackSettings.model_validate(
        {"account_id": "a", "secret_key": "s", "order_handle": "web-{order_number}"}
    )
    rules = rules_of(provider_specs()["hypertrack"], settings)
    assert {key: rule.text for key, rule in rules.items()} == {("hypertrack", "order_handle"): "web-{order_number}"}
