"""The use cases: which references an order has, what is asked for a selection, and how the answers are merged.

Knows providers by their Protocols and the freshness layer by its promises; knows nothing of GraphQL or HTTP.
"""
