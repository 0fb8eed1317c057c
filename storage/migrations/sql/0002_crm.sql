-- What the CRM has of our leads (one record per lead and object), and what is on its way there.
CREATE TABLE crm_links (
  lead_id uuid NOT NULL,                -- not a foreign key: a purged lead's record is deleted there yet
  sobject text NOT NULL,
  crm_id text,                          -- 18 characters; NULL until it is known
  state text NOT NULL CHECK (state IN
    ('pending', 'synced', 'retry', 'quarantined', 'dropped', 'converted', 'gone', 'deleting',
     'deleted')),
  sent_hash bytea,                      -- of the record that was sent last and taken
  lead_version int,                     -- of the lead that the record was made from
  mapping_version int,                  -- of the mapping that it was made with; 0 is the starter
  queued_version int,                   -- of the lead, when the scan last gave it on
  queued_at timestamptz,
  attempt uuid,                         -- of the try that is under way, or was the last
  tried_hash bytea,                     -- what that try sends
  tried_version int,
  again boolean NOT NULL DEFAULT false, -- another try may have overwritten it: send it anyway
  job_id uuid,                          -- the bulk job that it is under way with
  attempts int NOT NULL DEFAULT 0,      -- failed ones in a row
  code text,                            -- of the last refusal, in the CRM's own words
  problem text,                         -- its message, personal values taken out
  problem_fields text[] NOT NULL DEFAULT '{}',
  crm_status text,                      -- of the record, as last read
  crm_modified_at timestamptz,
  synced_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (lead_id, sobject)
);
-- Not unique: sales people merge records, so that for a while two leads may name the same one.
CREATE INDEX crm_links_record ON crm_links (crm_id) WHERE crm_id IS NOT NULL;
CREATE INDEX crm_links_state ON crm_links (sobject, state, updated_at DESC, lead_id DESC);
CREATE INDEX crm_links_job ON crm_links (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX leads_updated ON leads (updated_at, id);

CREATE TABLE crm_jobs (
  id uuid PRIMARY KEY,
  sobject text NOT NULL,
  mapping_version int NOT NULL,
  crm_job_id text,
  step text NOT NULL CHECK (step IN
    ('intended', 'created', 'uploaded', 'closed', 'ended', 'done', 'failed', 'aborted')),
  records int NOT NULL,
  processed int NOT NULL DEFAULT 0,
  failed int NOT NULL DEFAULT 0,
  polls int NOT NULL DEFAULT 0,
  api_calls int NOT NULL DEFAULT 0,
  upload_tried boolean NOT NULL DEFAULT false,
  closed_at timestamptz,
  problem text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
CREATE INDEX crm_jobs_open ON crm_jobs (created_at) WHERE step NOT IN ('done', 'failed', 'aborted');
CREATE INDEX crm_jobs_newest ON crm_jobs (created_at DESC, id DESC);

CREATE TABLE crm_mappings (
  version int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  document jsonb NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL
);

-- One row: what we know of the CRM as a whole.
CREATE TABLE crm_state (
  crm text PRIMARY KEY,
  connected boolean,                    -- NULL: never tried
  account jsonb,                        -- org, user, instance
  descriptions jsonb NOT NULL DEFAULT '{}', -- of objects, by name
  checked_at timestamptz,               -- when it was last asked who we are
  api_used int,
  api_allowed int,
  usage_at timestamptz,                 -- when the two were told
  polled_until timestamptz,             -- changes up to then have been read, by the CRM's clock
  polled_at timestamptz,
  scanned_until timestamptz,            -- leads updated up to then have been looked at
  scanned_id uuid,
  scanned_mapping int,                  -- by which mapping
  swept_at timestamptz,                 -- when the scan last began at the first lead
  compared_until text,                  -- external id that the comparison has reached
  compared_at timestamptz,              -- when it last came round
  problem text,
  problem_at timestamptz
);

-- What differs between us and the CRM; written anew by each comparison. Values are told by kind only.
CREATE TABLE crm_drift (
  lead_id uuid NOT NULL,
  sobject text NOT NULL,
  field text NOT NULL,                  -- empty: the record as a whole
  why text NOT NULL CHECK (why IN
    ('changed_there', 'not_sent_yet', 'gone_there', 'unknown_here')),
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (lead_id, sobject, field)
);
