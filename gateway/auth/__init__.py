"""Who is asking: from a bearer token to a principal. Knows neither HTTP nor GraphQL.

A token is an API key, a JWT of somebody's identity provider, or an order token that this gateway signed. What a
principal may see is declared in `gateway/schema/access.py`.
"""
