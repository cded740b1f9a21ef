"""A small invented world of orders that the four simulators show, each in its own API's words."""
