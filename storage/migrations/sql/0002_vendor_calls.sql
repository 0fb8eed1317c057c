-- The records for which a vendor has billed us: it bills each only the first time (ADR-0018).
CREATE TABLE vendor_records (
  vendor text NOT NULL,
  record_id text NOT NULL,
  entry_id uuid NOT NULL,               -- the ledger entry that paid for it
  bought_at timestamptz NOT NULL,
  PRIMARY KEY (vendor, record_id)
);
CREATE INDEX vendor_records_entry ON vendor_records (entry_id);

-- How calls to vendors went, by clock hour; the row of hour 'epoch' counts since ever.
CREATE TABLE vendor_calls (
  vendor text NOT NULL,
  operation text NOT NULL,
  hour timestamptz NOT NULL,
  calls bigint NOT NULL,                -- all, also those that failed
  failures bigint NOT NULL,             -- without those that were throttled
  throttled bigint NOT NULL,
  seconds double precision NOT NULL,    -- how long all of them took together
  buckets bigint[] NOT NULL,            -- calls by how long they took (storage/vendor_calls.py)
  last_success_at timestamptz,
  last_failure_at timestamptz,
  last_problem text,                    -- codes and advice, no personal data
  PRIMARY KEY (vendor, operation, hour)
) WITH (fillfactor = 50);
