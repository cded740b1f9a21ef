"""The HTTP side of the gateway: the GraphQL endpoint, GraphiQL for browsers, health, and what is around them."""

from gateway.http.admission import Admission, admission_of
from gateway.http.cors import CorsOptions
from gateway.http.graphiql_page import GraphiqlPage, Tab, example_tabs
from gateway.http.health import PartHealth, Readiness
from gateway.http.middleware import middleware
from gateway.http.parameters import BodyLimits
from gateway.http.routes import HttpOptions, create_http_app, http_routes

__all__ = [
    "Admission",
    "BodyLimits",
    "CorsOptions",
    "GraphiqlPage",
    "HttpOptions",
    "PartHealth",
    "Readiness",
    "Tab",
    "admission_of",
    "create_http_app",
    "example_tabs",
    "http_routes",
    "middleware",
]
