"""Freshness: what was asked before, how long it may be served, and who may ask again.

Knows nothing of GraphQL, of HTTP, or of which providers there are. What to keep and how to ask for it comes from
outside as a `Lookup` and a function; the storage underneath is aiocache's.
"""
