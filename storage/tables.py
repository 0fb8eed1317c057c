"""Tables that are queried in many ways, typed: pyright knows every row of a ``select``.

The migrations' SQL is what makes the tables; a test holds the two together. Hot paths write their
SQL out, for the driver.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Identity,
    LargeBinary,
    MetaData,
    Named,
    SmallInteger,
    Table,
    Text,
    TypedColumns,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()


class LeadColumns(TypedColumns):
    """One row a lead; its personal columns are sealed (`storage.sealing`)."""

    id: Named[UUID] = Column(primary_key=True)
    external_id: Named[str | None] = Column(Text)
    source: Named[str] = Column(Text)
    import_id: Named[UUID | None]
    status: Named[str] = Column(Text)
    first_name: Named[bytes | None] = Column(LargeBinary)
    last_name: Named[bytes | None] = Column(LargeBinary)
    email: Named[bytes | None] = Column(LargeBinary)
    phone: Named[bytes | None] = Column(LargeBinary)
    notes: Named[bytes | None] = Column(LargeBinary)
    email_key: Named[bytes | None] = Column(LargeBinary)
    phone_key: Named[bytes | None] = Column(LargeBinary)
    search_tokens: Named[list[int]] = Column(ARRAY(BigInteger))
    company_id: Named[UUID | None]
    company: Named[str] = Column(Text)
    domain: Named[str | None] = Column(Text)
    title: Named[str] = Column(Text)
    industry: Named[str | None] = Column(Text)
    country: Named[str | None] = Column(Text)
    attributes: Named[dict[str, Any]] = Column(JSONB[dict[str, Any]]())
    outcome: Named[bool | None] = Column(Boolean)
    score: Named[int | None] = Column(SmallInteger)
    confidence: Named[float | None] = Column(Double(asdecimal=False))
    tier: Named[str | None] = Column(Text)
    tags: Named[list[str]] = Column(ARRAY(Text))
    scored_at: Named[datetime | None] = Column(DateTime(timezone=True))
    version: Named[int]
    created_at: Named[datetime] = Column(DateTime(timezone=True))
    updated_at: Named[datetime] = Column(DateTime(timezone=True))
    deleted_at: Named[datetime | None] = Column(DateTime(timezone=True))


class ImportColumns(TypedColumns):
    """One row an imported file."""

    id: Named[UUID] = Column(primary_key=True)
    filename: Named[str] = Column(Text)
    source: Named[str] = Column(Text)
    status: Named[str] = Column(Text)
    plan: Named[dict[str, Any]] = Column(JSONB[dict[str, Any]]())
    position: Named[dict[str, Any]] = Column(JSONB[dict[str, Any]]())
    bytes_total: Named[int] = Column(BigInteger)
    bytes_done: Named[int] = Column(BigInteger)
    rows_read: Named[int] = Column(BigInteger)
    created: Named[int] = Column(BigInteger)
    merged: Named[int] = Column(BigInteger)
    failed: Named[int] = Column(BigInteger)
    warnings: Named[int] = Column(BigInteger)
    problem: Named[str | None] = Column(Text)
    correlation_id: Named[str | None] = Column(Text)
    created_at: Named[datetime] = Column(DateTime(timezone=True))
    finished_at: Named[datetime | None] = Column(DateTime(timezone=True))


class AlgorithmColumns(TypedColumns):
    """One row a version of a scoring algorithm."""

    id: Named[UUID] = Column(primary_key=True)
    name: Named[str] = Column(Text)
    version: Named[int]
    kind: Named[str] = Column(Text)
    definition: Named[dict[str, Any]] = Column(JSONB[dict[str, Any]]())
    report: Named[dict[str, Any] | None] = Column(JSONB[dict[str, Any]]())
    status: Named[str] = Column(Text)
    problem: Named[str | None] = Column(Text)
    parent_id: Named[UUID | None]
    created_by: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(DateTime(timezone=True))
    activated_at: Named[datetime | None] = Column(DateTime(timezone=True))


class ResultColumns(TypedColumns):
    """One row a time that a lead was scored."""

    id: Named[UUID] = Column(primary_key=True)
    lead_id: Named[UUID]
    algorithm_id: Named[UUID]
    score: Named[int] = Column(SmallInteger)
    probability: Named[float] = Column(Double(asdecimal=False))
    confidence: Named[float] = Column(Double(asdecimal=False))
    low: Named[int] = Column(SmallInteger)
    high: Named[int] = Column(SmallInteger)
    tier: Named[str] = Column(Text)
    judges: Named[list[str]] = Column(ARRAY(Text))
    detail: Named[dict[str, Any]] = Column(JSONB[dict[str, Any]]())
    scored_at: Named[datetime] = Column(DateTime(timezone=True))


class DeadLetterColumns(TypedColumns):
    """One row a message that was given up."""

    id: Named[int] = Column(BigInteger, primary_key=True)
    recipient: Named[str] = Column(Text)
    lane: Named[int] = Column(SmallInteger)
    kind: Named[str] = Column(Text)
    body: Named[dict[str, Any]] = Column(JSONB[dict[str, Any]]())
    correlation_id: Named[str | None] = Column(Text)
    causation_id: Named[int | None] = Column(BigInteger)
    attempts: Named[int] = Column(SmallInteger)
    max_attempts: Named[int] = Column(SmallInteger)
    reason: Named[str] = Column(Text)
    created_at: Named[datetime] = Column(DateTime(timezone=True))
    dead_at: Named[datetime] = Column(DateTime(timezone=True))


class DecisionColumns(TypedColumns):
    """One row a decision; never updated but to erase its inputs."""

    chain: Named[int] = Column(SmallInteger, primary_key=True)
    seq: Named[int] = Column(BigInteger, primary_key=True)
    made_at: Named[datetime] = Column(DateTime(timezone=True), primary_key=True)
    agent: Named[str] = Column(Text)
    action: Named[str] = Column(Text)
    subject: Named[UUID | None]
    verdict: Named[str] = Column(Text)
    reasons: Named[list[str]] = Column(ARRAY(Text))
    policy: Named[str] = Column(Text)
    inputs: Named[dict[str, Any] | None] = Column(JSONB[dict[str, Any]]())
    inputs_digest: Named[bytes] = Column(LargeBinary)
    correlation_id: Named[str | None] = Column(Text)
    hash: Named[bytes] = Column(LargeBinary)


class ActivityColumns(TypedColumns):
    """One row a thing that happened to a lead."""

    id: Named[int] = Column(BigInteger, Identity(always=True), primary_key=True)
    at: Named[datetime] = Column(DateTime(timezone=True), primary_key=True)
    lead_id: Named[UUID | None]
    kind: Named[str] = Column(Text)
    actor: Named[str] = Column(Text)
    details: Named[dict[str, Any]] = Column(JSONB[dict[str, Any]]())
    correlation_id: Named[str | None] = Column(Text)


leads = Table("leads", metadata, LeadColumns)
imports = Table("imports", metadata, ImportColumns)
scoring_algorithms = Table("scoring_algorithms", metadata, AlgorithmColumns)
scoring_results = Table("scoring_results", metadata, ResultColumns)
dead_letters = Table("dead_letters", metadata, DeadLetterColumns)
decisions = Table("decisions", metadata, DecisionColumns)
activities = Table("activities", metadata, ActivityColumns)
