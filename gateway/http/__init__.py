"""The HTTP side of the gateway: the GraphQL endpoint, GraphiQL for browsers, health, and what is around them."""

from gateway.http.graphiql_page import GraphiqlPage, Tab, example_tabs
from gateway.http.health import PartHealth, Readiness
from gateway.http.middleware import middleware
from gateway.http.routes import HttpOptions, create_http_app, http_routes

__all__ = [
    "GraphiqlPage",
    "HttpOptions",
    "PartHealth",
    "Readiness",
    "Tab",
    "create_http_app",
    "example_tabs",
    "http_routes",
    "middleware",
]
