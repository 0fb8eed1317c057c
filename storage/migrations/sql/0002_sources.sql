-- Lead sources: whom we look for, the searches for them, and where each lead came from.

CREATE TABLE profiles (
  name text PRIMARY KEY,
  definition jsonb NOT NULL,            -- policies.profiles.Profile
  version int NOT NULL DEFAULT 1,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE lead_searches (
  id uuid PRIMARY KEY,
  profile text NOT NULL,                -- its name
  definition jsonb NOT NULL,            -- the profile as it was
  wanted int NOT NULL CHECK (wanted > 0),
  budget_micro bigint CHECK (budget_micro >= 0), -- NULL: only the limits of the day and the month
  status text NOT NULL
    CHECK (status IN ('running', 'done', 'exhausted', 'over_budget', 'failed', 'cancelled')),
  found int NOT NULL DEFAULT 0,         -- distinct usable leads that were not there before
  reason text,                          -- why it ended, or what it waits for
  waits_until timestamptz,              -- nothing can be asked before
  correlation_id text,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  finished_at timestamptz
);
CREATE INDEX lead_searches_newest ON lead_searches (created_at DESC, id DESC);
CREATE INDEX lead_searches_profile ON lead_searches (profile);

-- One source in one search. A question is written down before it is asked and taken off together
-- with what its answer came to, so that whoever goes on after a crash asks the very same again.
CREATE TABLE lead_search_sources (
  search_id uuid NOT NULL REFERENCES lead_searches ON DELETE CASCADE,
  source text NOT NULL,
  criteria jsonb NOT NULL,              -- in the source's words
  unexpressed text[] NOT NULL DEFAULT '{}',
  price_micro bigint NOT NULL,          -- of one record
  total int,                            -- people that match, as the source says
  cursor text,                          -- where the next page begins
  candidates jsonb NOT NULL DEFAULT '[]', -- found but not bought: record ids and keyed hashes
  questions int NOT NULL DEFAULT 0,     -- answered so far
  pending jsonb,                        -- the question under way
  state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'exhausted', 'failed', 'impossible')),
  seen bigint NOT NULL DEFAULT 0,
  billed bigint NOT NULL DEFAULT 0,     -- records that were paid for, the first time we got them
  usable bigint NOT NULL DEFAULT 0,
  duplicates bigint NOT NULL DEFAULT 0,
  unfit bigint NOT NULL DEFAULT 0,
  suppressed bigint NOT NULL DEFAULT 0,
  null_results bigint NOT NULL DEFAULT 0,
  credits bigint NOT NULL DEFAULT 0,
  cost_micro bigint NOT NULL DEFAULT 0,
  failures int NOT NULL DEFAULT 0,      -- in a row
  failing_since timestamptz,
  rests_until timestamptz,              -- away, throttled or at a limit of ours
  out_of_credit_until timestamptz,
  last_problem text,
  PRIMARY KEY (search_id, source)
);

-- Where a lead came from: a record belongs to one lead. The keys are keyed hashes of the person as
-- the source told of them, by which another source's record of the same person is known.
CREATE TABLE lead_sources (
  source text NOT NULL,
  record_id text NOT NULL,
  lead_id uuid NOT NULL REFERENCES leads ON DELETE CASCADE,
  search_id uuid REFERENCES lead_searches ON DELETE SET NULL,
  found_at timestamptz NOT NULL,
  name_key bytea,                       -- folded name and company domain
  company_key bytea,                    -- folded name and folded company name
  linkedin_key bytea,
  PRIMARY KEY (source, record_id)
);
CREATE INDEX lead_sources_lead ON lead_sources (lead_id);
CREATE INDEX lead_sources_search ON lead_sources (search_id) WHERE search_id IS NOT NULL;
CREATE INDEX lead_sources_name ON lead_sources (name_key) WHERE name_key IS NOT NULL;
CREATE INDEX lead_sources_company ON lead_sources (company_key) WHERE company_key IS NOT NULL;
CREATE INDEX lead_sources_linkedin ON lead_sources (linkedin_key) WHERE linkedin_key IS NOT NULL;

-- What the prospector last heard of each source that it is connected to.
CREATE TABLE lead_source_accounts (
  source text PRIMARY KEY,
  reveals boolean,                      -- NULL: it is no search, people come from it by themselves
  price_micro bigint NOT NULL,
  credits_left bigint,
  credits_used bigint,
  limits jsonb NOT NULL DEFAULT '{}',
  last_problem text,
  last_problem_at timestamptz,
  asked_at timestamptz,                 -- when it last answered about our account
  seen_at timestamptz NOT NULL,         -- when a prospector last had it
  position jsonb NOT NULL DEFAULT '{}'  -- how far its new responses were read
);

-- What a search would find: asked by people, answered by the prospector, kept for a day.
CREATE TABLE source_previews (
  id uuid PRIMARY KEY,
  profile text NOT NULL,
  definition jsonb NOT NULL,
  answers jsonb,                        -- NULL until answered
  created_at timestamptz NOT NULL,
  answered_at timestamptz
);
CREATE INDEX source_previews_age ON source_previews (created_at);
