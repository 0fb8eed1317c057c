-- The ledger: reserve -> commit or release. All accounts of an entry are locked in one order.
CREATE TABLE ledger_accounts (
  id text PRIMARY KEY,                  -- such as usd:llm/openai:2026-11-24
  unit text NOT NULL,                   -- usd_micro, tokens, credits, sends
  limit_amount bigint,                  -- NULL: counted, not limited
  held bigint NOT NULL DEFAULT 0,
  spent bigint NOT NULL DEFAULT 0,
  opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (held >= 0 AND spent >= 0)
) WITH (fillfactor = 50);

CREATE TABLE ledger_entries (
  id uuid PRIMARY KEY,
  accounts text[] NOT NULL,
  amounts bigint[] NOT NULL,            -- reserved, one an account
  settled bigint[],                     -- what it really cost
  state text NOT NULL CHECK (state IN ('held', 'committed', 'released', 'unknown')),
  vendor text NOT NULL,
  purpose text NOT NULL,
  reference uuid,                       -- the lead or touch it was for
  correlation_id text,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  closed_at timestamptz,
  CHECK (cardinality(accounts) = cardinality(amounts))
);
CREATE INDEX ledger_entries_open ON ledger_entries (state, expires_at) WHERE state IN ('held', 'unknown');
CREATE INDEX ledger_entries_reference ON ledger_entries (reference);

-- A limit never falls below what is already held and spent, so that held + spent <= limit_amount
-- holds at all times (storage/invariants.py).
CREATE FUNCTION ledger_open(p_accounts text[], p_units text[], p_limits bigint[]) RETURNS void LANGUAGE sql AS $$
  INSERT INTO ledger_accounts AS a (id, unit, limit_amount)
  SELECT * FROM unnest(p_accounts, p_units, p_limits) u(a, n, l) ORDER BY 1
  ON CONFLICT (id) DO UPDATE
    SET limit_amount = CASE WHEN excluded.limit_amount IS NOT NULL
                            THEN greatest(excluded.limit_amount, a.held + a.spent) END
    WHERE a.limit_amount IS DISTINCT FROM excluded.limit_amount
$$;

-- Reserve for as many of the entries, in order, as every account still allows. Entry i needs
-- p_amounts[(i-1)*k+1 .. i*k]. An id that is still open is granted again without being counted
-- twice; a released one is reserved afresh; a committed one has been paid for and is an error.
CREATE FUNCTION ledger_reserve(
  p_ids uuid[], p_accounts text[], p_amounts bigint[], p_vendor text, p_purpose text,
  p_references uuid[], p_correlation text, p_expires timestamptz, p_now timestamptz
) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
DECLARE
  k int := cardinality(p_accounts); i int; j int; room bigint[]; need bigint[];
  taken bigint[] := array_fill(0::bigint, ARRAY[k]); known uuid[]; paid uuid; fits boolean;
BEGIN
  PERFORM 1 FROM ledger_accounts WHERE id = ANY (p_accounts) ORDER BY id FOR NO KEY UPDATE;
  SELECT array_agg(coalesce(a.limit_amount - a.held - a.spent, 9223372036854775807) ORDER BY u.o)
    INTO room FROM unnest(p_accounts) WITH ORDINALITY u(id, o) JOIN ledger_accounts a ON a.id = u.id;
  IF cardinality(room) IS DISTINCT FROM k THEN
    RAISE EXCEPTION 'an account of % is not open', p_accounts USING ERRCODE = 'BG002';
  END IF;
  SELECT coalesce(array_agg(id), '{}') INTO known FROM ledger_entries
    WHERE id = ANY (p_ids) AND state IN ('held', 'unknown');
  SELECT min(id::text)::uuid INTO paid FROM ledger_entries WHERE id = ANY (p_ids) AND state = 'committed';
  IF paid IS NOT NULL THEN
    RAISE EXCEPTION 'entry % is already settled', paid USING ERRCODE = 'BG003';
  END IF;
  FOR i IN 1 .. cardinality(p_ids) LOOP
    IF p_ids[i] = ANY (known) THEN RETURN NEXT p_ids[i]; CONTINUE; END IF;
    need := p_amounts[(i - 1) * k + 1 : i * k];
    fits := true;
    FOR j IN 1 .. k LOOP fits := fits AND taken[j] + need[j] <= room[j]; END LOOP;
    EXIT WHEN NOT fits;
    FOR j IN 1 .. k LOOP taken[j] := taken[j] + need[j]; END LOOP;
    INSERT INTO ledger_entries (id, accounts, amounts, state, vendor, purpose, reference, correlation_id,
      expires_at, created_at)
      VALUES (p_ids[i], p_accounts, need, 'held', p_vendor, p_purpose, p_references[i], p_correlation,
        p_expires, coalesce(p_now, clock_timestamp()))
      ON CONFLICT (id) DO UPDATE SET accounts = excluded.accounts, amounts = excluded.amounts,
        settled = NULL, state = 'held', expires_at = excluded.expires_at, closed_at = NULL;
    known := known || p_ids[i];
    RETURN NEXT p_ids[i];
  END LOOP;
  UPDATE ledger_accounts a SET held = held + u.t FROM unnest(p_accounts, taken) u(id, t)
    WHERE a.id = u.id AND u.t > 0;
END $$;

-- Close entries: p_settled NULL releases; else entry i really cost p_settled[(i-1)*k+1 .. i*k].
-- Idempotent: an entry already closed is left alone.
CREATE FUNCTION ledger_close(p_ids uuid[], p_settled bigint[], p_now timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  e ledger_entries; i int; k int; n bigint := 0; cost bigint[]; ordered int[];
BEGIN
  PERFORM 1 FROM ledger_accounts WHERE id IN (
    SELECT unnest(accounts) FROM ledger_entries WHERE id = ANY (p_ids)) ORDER BY id FOR NO KEY UPDATE;
  SELECT array_agg(o ORDER BY id) INTO ordered FROM unnest(p_ids) WITH ORDINALITY u(id, o);
  FOREACH i IN ARRAY ordered LOOP
    SELECT * INTO e FROM ledger_entries WHERE id = p_ids[i] AND state IN ('held', 'unknown') FOR UPDATE;
    CONTINUE WHEN NOT FOUND;
    k := cardinality(e.accounts);
    cost := CASE WHEN p_settled IS NULL THEN array_fill(0::bigint, ARRAY[k])
                 ELSE p_settled[(i - 1) * k + 1 : i * k] END;
    UPDATE ledger_entries SET settled = cost, closed_at = coalesce(p_now, clock_timestamp()),
      state = CASE WHEN p_settled IS NULL THEN 'released' ELSE 'committed' END WHERE id = e.id;
    UPDATE ledger_accounts a SET held = held - u.h, spent = spent + u.s
      FROM (SELECT id, sum(h)::bigint h, sum(s)::bigint s FROM unnest(e.accounts, e.amounts, cost) t(id, h, s)
            GROUP BY id) u WHERE a.id = u.id;
    n := n + 1;
  END LOOP;
  RETURN n;
END $$;

-- Nobody knows whether the vendor charged us: the money stays held until its own books say so.
CREATE FUNCTION ledger_expire(p_now timestamptz) RETURNS bigint LANGUAGE sql AS $$
  WITH gone AS (
    UPDATE ledger_entries SET state = 'unknown'
    WHERE state = 'held' AND expires_at < coalesce(p_now, clock_timestamp()) RETURNING 1)
  SELECT count(*) FROM gone
$$;
