"""The sandbox's ZoomInfo: the GTM Data API over the market.

Sources: the project's wire reference of ZoomInfo (2026-11-22). Links with ``uri=`` before them,
the code of a page too far and the shape of a lookup: tests of amp-labs/connectors, which hold
answers of the live service. Where nobody tells, the least surprising is done, and said beside it.
"""
