"""Claims about `server.certificate_authorities`: whom connections to providers trust beside certifi's authorities."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app import create_app
from gateway.settings import ConfigurationError
from providers.simulation.world import SimulatedOrder
from tests.faults.certificates import Authority, Certificate
from tests.faults.conftest import SERVER, ServeGateway
from tests.faults.front import Front
from tests.scenarios.conftest import MakeSettings
from tests.scenarios.harness import Providers

ORDER = "query ($number: String!) { order(by: {orderNumber: $number}) { currency } }"


@pytest.fixture
def shown() -> ssl.SSLContext:
    """What the provider's server shows."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


@pytest.fixture
async def karla(providers: Providers, shown: ssl.SSLContext) -> AsyncIterator[dict[str, str]]:
    """Karla behind TLS: her address, as a gateway is to be served with it."""
    async with Front(providers.settings["karla"]["base_url"], tls=shown) as front:
        await front.listen()
        yield {"karla": front.url}


def trusting(file: Path) -> dict[str, object]:
    return {"server": {**SERVER, "certificate_authorities": str(file)}}


async def test_a_provider_of_an_authority_of_ones_own_is_trusted_when_it_is_set(
    authority: Authority,
    shown: ssl.SSLContext,
    karla: dict[str, str],
    serve_gateway: ServeGateway,
    plain_order: SimulatedOrder,
) -> None:
    authority.show(Certificate.GOOD, shown)
    async with serve_gateway(karla) as stranger:
        reply = await stranger.ask(ORDER, number=plain_order.number)
        assert reply.failures == {"karla": "PROVIDER_UNREACHABLE"}
    async with serve_gateway(karla, **trusting(authority.bundle)) as gateway:
        assert (await gateway.data(ORDER, number=plain_order.number))["order"]["currency"]


@pytest.mark.parametrize("kind", [Certificate.EXPIRED, Certificate.WRONG_HOST, Certificate.SELF_SIGNED])
async def test_everything_else_about_a_certificate_counts_as_before(
    authority: Authority,
    shown: ssl.SSLContext,
    karla: dict[str, str],
    serve_gateway: ServeGateway,
    plain_order: SimulatedOrder,
    kind: Certificate,
) -> None:
    authority.show(kind, shown)
    async with serve_gateway(karla, **trusting(authority.bundle)) as gateway:
        reply = await gateway.ask(ORDER, number=plain_order.number)
        assert reply.failures == {"karla": "PROVIDER_UNREACHABLE"}


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["no file", "empty", "something else"])
async def test_a_file_that_holds_no_certificate_ends_the_start_with_one_line(
    make_settings: MakeSettings, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "authorities.pem"
    if content is not None:
        file.write_text(content, "ascii")
    app = create_app(make_settings(**trusting(file)))
    with pytest.raises(ConfigurationError) as failure:
        async with app.router.lifespan_context(app):
            pass
    assert failure.value.problems == ("server.certificate_authorities should be a PEM file of certificates",)
