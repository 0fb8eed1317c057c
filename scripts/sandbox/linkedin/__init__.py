"""The sandbox's LinkedIn: the Lead Sync API, and the webhooks behind it.

Sources: the project's wire reference of LinkedIn (2026-11-22). Where it says nothing, the least
surprising is done, and said beside it.
"""
