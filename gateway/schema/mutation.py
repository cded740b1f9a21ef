"""Everything that can be changed, in one type."""

from __future__ import annotations

import strawberry

from gateway.schema.mutations.invoices import InvoiceMutations
from gateway.schema.mutations.links import LinkMutations
from gateway.schema.mutations.orders import OrderMutations
from gateway.schema.mutations.payments import PaymentMutations
from gateway.schema.mutations.registrations import RegistrationMutations
from gateway.schema.mutations.routes import RouteMutations
from gateway.schema.mutations.tokens import TokenMutations


@strawberry.type(description="Everything that can be changed.")
class Mutation(
    LinkMutations,
    OrderMutations,
    PaymentMutations,
    InvoiceMutations,
    RouteMutations,
    RegistrationMutations,
    TokenMutations,
):
    pass
