"""The published schema: what clients see, and nothing else.

Turns a selection into needs, and what was loaded into types. Knows the use cases in `gateway.orders`, and nothing of
HTTP, of how anything is cached, or of what a provider's API looks like.
"""
