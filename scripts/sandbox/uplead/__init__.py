"""The sandbox's UpLead: API v2 over the market.

Sources: the project's wire reference of UpLead (2026-11-22), a third party's reading of
docs.uplead.com. Where it says nothing, the least surprising is done, and said beside it.
"""
