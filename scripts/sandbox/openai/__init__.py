"""A server that speaks OpenAI's protocol, bills like it, limits like it and fails like it.

It answers questions about any strict JSON schema, and those of the lead rubric as a model would
that has read the lead. The wire facts are those of openai-python 3.54, read 2026-11-22.
"""
