-- Whom never to make a lead again and never to write to: keyed hashes only, so that they outlive
-- the erasure of the person.
CREATE TABLE suppressions (
  kind text NOT NULL CHECK (kind IN
    ('email', 'domain', 'phone', 'company', 'person', 'linkedin', 'record')),
  key bytea NOT NULL,                   -- Sealer.blind under a field of the same name
  reason text NOT NULL CHECK (reason IN
    ('deleted', 'erased', 'opted_out', 'unsubscribed', 'complaint', 'bounced', 'manual')),
  source text NOT NULL,                 -- who said so: a vendor, key:…, an agent
  created_at timestamptz NOT NULL,
  PRIMARY KEY (kind, key)
);
CREATE INDEX suppressions_newest ON suppressions (created_at DESC);
