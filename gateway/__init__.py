"""The gateway: one GraphQL endpoint over the providers.

A request goes http -> schema -> orders -> freshness -> resilience -> providers, and imports point the same way.
"""
