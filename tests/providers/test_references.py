"""Claims about reference rules: what a template gives, takes back and refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from providers.models import Order
from providers.references import ORDER_NAMES, ReferenceTemplate

NAMES = st.text(min_size=1)


class Rules(BaseModel):
    rule: ReferenceTemplate = ReferenceTemplate("{order_number}")


def test_a_rule_uses_names_that_orders_have() -> None:
    assert set(ORDER_NAMES) <= set(Order.model_fields)


@given(NAMES, st.sampled_from(["{order_number}", "web-{order_number}", "{{{order_number}}}", "a{order_number}z"]))
def test_parse_undoes_render(number: str, text: str) -> None:
    """Where a template has one placeholder, every value it gives leads back to the name."""
    template = ReferenceTemplate(text)
    value = template.render({"order_number": number})
    assert value is not None
    assert template.parse(value) == {"order_number": number}


def test_render_fills_every_placeholder() -> None:
    template = ReferenceTemplate("{order_number}/{external_id}")
    assert template.placeholders == {"order_number", "external_id"}
    assert template.render({"order_number": "1001", "external_id": "x", "uuid": None}) == "1001/x"


@pytest.mark.parametrize("names", [{}, {"external_id": None}, {"external_id": ""}, {"order_number": "1001"}])
def test_render_needs_every_name(names: dict[str, str | None]) -> None:
    """A name that is absent, None or empty gives no reference, and never half of one."""
    assert ReferenceTemplate("web-{external_id}").render(names) is None


@pytest.mark.parametrize("value", ["", "web-", "shop-1001", "1001"])
def test_parse_refuses_what_the_template_cannot_have_made(value: str) -> None:
    assert ReferenceTemplate("web-{order_number}").parse(value) is None


@pytest.mark.parametrize("text", ["{order_number}-{external_id}", "{order_number}{order_number}"])
def test_parse_does_not_guess_between_readings(text: str) -> None:
    assert ReferenceTemplate(text).parse("1-1-1") is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{ordernumber}", "{ordernumber} is no name of an order"),
        ("{}", "{} is no name of an order"),
        ("{order_number.__class__}", "is no name of an order"),
        ("{order_number!r}", "neither a format nor a conversion"),
        ("{order_number:>9}", "neither a format nor a conversion"),
        ("fixed", "names no part of the order"),
        ("", "names no part of the order"),
        ("{order_number", "expected '}'"),
    ],
)
def test_settings_refuse_a_rule_that_cannot_work(text: str, word: str) -> None:
    """The settings name what is wrong with a rule, and what could stand there."""
    with pytest.raises(ValidationError, match="rule") as refused:
        Rules.model_validate({"rule": text})
    assert word in str(refused.value)


def test_settings_read_and_write_a_rule_as_text() -> None:
    rules = Rules.model_validate({"rule": "web-{uuid}"})
    assert rules.rule == ReferenceTemplate("web-{uuid}")
    assert rules.model_dump(mode="json") == {"rule": "web-{uuid}"}
    assert Rules.model_json_schema()["properties"]["rule"]["type"] == "string"
