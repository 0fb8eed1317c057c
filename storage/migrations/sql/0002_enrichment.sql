-- Enrichment: what each source was asked, and how often that helped (policies/hit_rates.py).

-- Learned from every answer: counters by source, field and segment.
CREATE TABLE enrichment_outcomes (
  source text NOT NULL,
  field text NOT NULL,
  segment text NOT NULL,
  asked bigint NOT NULL DEFAULT 0,
  hits bigint NOT NULL DEFAULT 0,
  billed bigint NOT NULL DEFAULT 0,       -- answers that are billed to whoever gets them first
  billed_hits bigint NOT NULL DEFAULT 0,  -- of them those that helped
  credits bigint NOT NULL DEFAULT 0,      -- that we paid: nothing for what was ours already
  PRIMARY KEY (source, field, segment),
  CHECK (asked >= hits AND asked >= billed AND hits >= billed_hits AND billed >= billed_hits)
) WITH (fillfactor = 50);

-- The last question that a source was asked about a lead. While there is no answer, the question
-- itself is kept, sealed, with the call that it went out with: after a crash exactly the same call
-- is made again, so that what was billed the first time is found in its answer.
CREATE TABLE enrichment_asks (
  lead_id uuid NOT NULL REFERENCES leads ON DELETE CASCADE,
  source text NOT NULL,
  answers int NOT NULL DEFAULT 0,         -- questions answered so far
  call_id uuid,                           -- under way: the ledger's entry
  question bytea,                         -- under way: sealed
  named_by bytea,                         -- keyed hash of the last question that was answered
  answered_at timestamptz,
  found boolean NOT NULL DEFAULT false,
  record_id text,                         -- the source's own name for the person
  email_key bytea,                        -- blind index of the address that it told
  postponed int NOT NULL DEFAULT 0,       -- times in a row that it was away
  PRIMARY KEY (lead_id, source),
  CHECK ((call_id IS NULL) = (question IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX enrichment_asks_call ON enrichment_asks (call_id) WHERE call_id IS NOT NULL;

-- What each source said of the mail servers of companies. One that takes every address lets nobody
-- check one: there is nothing to buy from a source that does.
CREATE TABLE mail_domains (
  domain text NOT NULL,
  source text NOT NULL,
  checked int NOT NULL DEFAULT 0,         -- addresses there that it called valid or invalid
  catch_all int NOT NULL DEFAULT 0,       -- answers that every address is taken
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (domain, source)
) WITH (fillfactor = 80);

-- Only vendors tell of addresses, so that imports never write to this index.
CREATE INDEX lead_facts_addresses ON lead_facts (observed_at) WHERE field = 'email_status';
