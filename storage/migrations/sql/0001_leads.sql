-- Leads and what is known about them. Personal columns hold sealed bytes only (storage/sealing.py);
-- they are found by keyed blind index and keyed tokens of the beginnings of names.

CREATE TABLE data_keys (
  id smallint PRIMARY KEY,
  master_id text NOT NULL,
  wrapped bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  retired_at timestamptz
);

CREATE TABLE companies (
  id uuid PRIMARY KEY,
  domain text UNIQUE,
  name text NOT NULL,
  industry text,
  employees int,
  country text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE imports (
  id uuid PRIMARY KEY,
  filename text NOT NULL,
  source text NOT NULL,
  status text NOT NULL CHECK (status IN ('receiving', 'queued', 'running', 'done', 'failed')),
  plan jsonb NOT NULL,                  -- dialect, mapping, outcome column
  position jsonb NOT NULL DEFAULT '{}', -- where the next turn reads on
  bytes_total bigint NOT NULL DEFAULT 0,
  bytes_done bigint NOT NULL DEFAULT 0,
  rows_read bigint NOT NULL DEFAULT 0,
  created bigint NOT NULL DEFAULT 0,
  merged bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0,
  warnings bigint NOT NULL DEFAULT 0,
  problem text,
  correlation_id text,
  created_at timestamptz NOT NULL,
  finished_at timestamptz
);

CREATE TABLE import_parts (
  import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
  part int NOT NULL,
  size int NOT NULL,
  content bytea NOT NULL,               -- sealed
  PRIMARY KEY (import_id, part)
);
ALTER TABLE import_parts ALTER content SET STORAGE EXTERNAL;

CREATE TABLE import_problems (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
  line bigint NOT NULL,
  row_number bigint NOT NULL,
  severity text NOT NULL CHECK (severity IN ('error', 'warning')),
  column_name text,
  problem text NOT NULL,
  record bytea                          -- sealed
);
CREATE INDEX import_problems_import ON import_problems (import_id, id);

CREATE TABLE leads (
  id uuid PRIMARY KEY,
  external_id text,
  source text NOT NULL,
  import_id uuid,
  status text NOT NULL,
  first_name bytea,
  last_name bytea,
  email bytea,
  phone bytea,
  notes bytea,                          -- sealed JSON object
  email_key bytea,
  phone_key bytea,
  search_tokens bigint[] NOT NULL DEFAULT '{}', -- keyed ones of names, others of company and title
  company_id uuid REFERENCES companies,
  company text NOT NULL DEFAULT '',
  domain text,
  title text NOT NULL DEFAULT '',
  industry text,
  country text,
  attributes jsonb NOT NULL DEFAULT '{}',
  outcome boolean,
  score smallint CHECK (score BETWEEN 0 AND 100),
  confidence double precision,
  tier text,
  tags text[] NOT NULL DEFAULT '{}',
  scored_at timestamptz,
  version int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz
);
CREATE SEQUENCE lead_batches; -- so that leads of one moment keep the order they came in
CREATE UNIQUE INDEX leads_email ON leads (email_key) WHERE deleted_at IS NULL AND email_key IS NOT NULL;
CREATE UNIQUE INDEX leads_external ON leads (source, external_id)
  WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX leads_phone ON leads (phone_key) WHERE phone_key IS NOT NULL;
-- Lists are read in the order of an index, whole or within the column that narrows them most.
CREATE INDEX leads_newest ON leads (created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_best ON leads (coalesce(score, -1) DESC, id DESC) INCLUDE (score)
  WHERE deleted_at IS NULL;
CREATE INDEX leads_status ON leads (status, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_source ON leads (source, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_import ON leads (import_id, created_at DESC, id DESC)
  WHERE deleted_at IS NULL AND import_id IS NOT NULL;
CREATE INDEX leads_tier ON leads (tier, coalesce(score, -1) DESC, id DESC)
  WHERE deleted_at IS NULL AND tier IS NOT NULL;
CREATE INDEX leads_industry ON leads (industry) WHERE deleted_at IS NULL AND industry IS NOT NULL;
CREATE INDEX leads_country ON leads (country) WHERE deleted_at IS NULL AND country IS NOT NULL;
CREATE INDEX leads_tags ON leads USING gin (tags) WHERE deleted_at IS NULL AND tags <> '{}';
-- Not partial: PostgreSQL never joins the bitmaps of two indexes that share a predicate.
CREATE INDEX leads_search ON leads USING gin (search_tokens);
-- So many, that the planner knows the common words: it then reads the list until the page is full,
-- and looks up and sorts only rare ones.
ALTER TABLE leads ALTER search_tokens SET STATISTICS 500;
CREATE INDEX leads_deleted ON leads (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE lead_facts (
  lead_id uuid NOT NULL REFERENCES leads ON DELETE CASCADE,
  field text NOT NULL,
  source text NOT NULL,
  value jsonb NOT NULL,
  confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
  cost_micro bigint NOT NULL DEFAULT 0,
  observed_at timestamptz NOT NULL,
  PRIMARY KEY (lead_id, field, source)
);

CREATE TABLE inbound_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  external_id text NOT NULL,
  payload bytea NOT NULL,               -- sealed
  received_at timestamptz NOT NULL,
  UNIQUE (source, external_id)
);

CREATE TABLE activities (
  id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL,
  lead_id uuid,
  kind text NOT NULL,
  actor text NOT NULL,
  details jsonb NOT NULL DEFAULT '{}',
  correlation_id text,
  PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE INDEX activities_lead ON activities (lead_id, at DESC, id DESC);
CREATE TABLE activities_default PARTITION OF activities DEFAULT;

CREATE TABLE scoring_algorithms (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  version int NOT NULL,
  kind text NOT NULL,
  definition jsonb NOT NULL,
  report jsonb,                         -- how it did on held-out outcomes
  status text NOT NULL CHECK (status IN ('draft', 'fitting', 'challenger', 'active', 'retired', 'failed')),
  problem text,
  parent_id uuid,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  activated_at timestamptz,
  UNIQUE (name, version)
);
CREATE UNIQUE INDEX scoring_algorithms_active ON scoring_algorithms ((true)) WHERE status = 'active';

CREATE TABLE scoring_results (
  id uuid PRIMARY KEY,
  lead_id uuid NOT NULL REFERENCES leads ON DELETE CASCADE,
  algorithm_id uuid NOT NULL REFERENCES scoring_algorithms,
  score smallint NOT NULL,
  probability double precision NOT NULL,
  confidence double precision NOT NULL,
  low smallint NOT NULL,
  high smallint NOT NULL,
  tier text NOT NULL,
  judges text[] NOT NULL,               -- who spoke: scorecard, rubric
  detail jsonb NOT NULL,                -- reasoning, parts, tags, follow-ups
  scored_at timestamptz NOT NULL
);
CREATE INDEX scoring_results_lead ON scoring_results (lead_id, scored_at DESC);
CREATE INDEX scoring_results_algorithm ON scoring_results (algorithm_id, scored_at DESC);

-- What GPT-4 said, by hash of all that it was shown: an unchanged lead is never paid for twice.
CREATE TABLE judgements (
  content_hash bytea PRIMARY KEY,
  model text NOT NULL,
  answer jsonb NOT NULL,
  created_at timestamptz NOT NULL
);

-- Pace and breaker of a vendor, shared by every worker (policies/pacing.py, policies/failure.py).
CREATE TABLE vendor_states (
  vendor text PRIMARY KEY,
  state jsonb NOT NULL,
  updated_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE api_keys (
  id text PRIMARY KEY,
  name text NOT NULL,
  hash bytea NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);

CREATE TABLE idempotency_keys (
  principal text NOT NULL,
  key text NOT NULL,
  request_digest bytea NOT NULL,
  status smallint,                      -- NULL: the first request is still under way
  response bytea,                       -- sealed
  created_at timestamptz NOT NULL,
  PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys USING brin (created_at);
