"""Resilience: limits on what a provider may cost us.

Each part stands alone and none knows HTTP; `gateway.resilience.calls` puts them together, and is the whole policy.
"""
