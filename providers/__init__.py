"""The systems that know where an order is, each behind the same narrow interfaces.

Nothing in this package knows GraphQL, caching or retries, and nothing in it imports `gateway`.
"""
