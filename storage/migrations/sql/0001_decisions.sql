-- Decisions form hash chains. One transaction appends to one chain only (chosen by its backend), so
-- that writers rarely wait for one another and never in a circle. The hash covers a digest of the
-- inputs, not the inputs: what is erased by law leaves the chain whole.
CREATE TABLE decision_chains (
  chain smallint PRIMARY KEY,
  seq bigint NOT NULL DEFAULT 0,
  hash bytea NOT NULL DEFAULT '\x'
) WITH (fillfactor = 50);
INSERT INTO decision_chains (chain) SELECT generate_series(0, 15);

CREATE TABLE decisions (
  chain smallint NOT NULL,
  seq bigint NOT NULL,
  made_at timestamptz NOT NULL,
  agent text NOT NULL,
  action text NOT NULL,
  subject uuid,
  verdict text NOT NULL,
  reasons text[] NOT NULL,
  policy text NOT NULL,                -- name and version of the rules that spoke
  inputs jsonb,                        -- NULL after erasure
  inputs_digest bytea NOT NULL,
  correlation_id text,
  hash bytea NOT NULL,
  PRIMARY KEY (made_at, chain, seq)
) PARTITION BY RANGE (made_at);
CREATE INDEX decisions_subject ON decisions (subject, made_at DESC);
CREATE TABLE decisions_default PARTITION OF decisions DEFAULT;

CREATE FUNCTION decision_digest(p_prev bytea, p_chain smallint, p_seq bigint, p_made_at timestamptz,
  p_agent text, p_action text, p_subject uuid, p_verdict text, p_reasons text[], p_policy text,
  p_inputs_digest bytea, p_correlation text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(p_prev || convert_to(jsonb_build_array(p_chain, p_seq,
    (extract(epoch FROM p_made_at) * 1000000)::bigint, p_agent, p_action, p_subject, p_verdict,
    p_reasons, p_policy, encode(p_inputs_digest, 'hex'), p_correlation)::text, 'UTF8'))
$$;

-- Keep decisions. Call it LAST in a transaction: the chain stays locked until the commit.
CREATE FUNCTION decisions_keep(p_rows jsonb, p_now timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  c decision_chains; r jsonb; d bytea; n bigint := 0;
  v_now timestamptz := date_trunc('microseconds', coalesce(p_now, clock_timestamp()));
BEGIN
  SELECT * INTO c FROM decision_chains WHERE chain = pg_backend_pid() % 16 FOR UPDATE;
  FOR r IN SELECT * FROM jsonb_array_elements(p_rows) LOOP
    c.seq := c.seq + 1;
    d := sha256(convert_to((r->'inputs')::text, 'UTF8'));
    c.hash := decision_digest(c.hash, c.chain, c.seq, v_now, r->>'agent', r->>'action',
      (r->>'subject')::uuid, r->>'verdict', ARRAY(SELECT jsonb_array_elements_text(r->'reasons')),
      r->>'policy', d, r->>'correlation_id');
    INSERT INTO decisions VALUES (c.chain, c.seq, v_now, r->>'agent', r->>'action', (r->>'subject')::uuid,
      r->>'verdict', ARRAY(SELECT jsonb_array_elements_text(r->'reasons')), r->>'policy', r->'inputs', d,
      r->>'correlation_id', c.hash);
    n := n + 1;
  END LOOP;
  UPDATE decision_chains SET seq = c.seq, hash = c.hash WHERE chain = c.chain;
  RETURN n;
END $$;

-- Rows that break a chain: a changed field, a gap, a missing end. None in a sound book.
CREATE FUNCTION decisions_broken() RETURNS TABLE (chain smallint, seq bigint, problem text) LANGUAGE sql AS $$
  WITH walked AS (
    SELECT d.*, lag(d.hash, 1, '\x'::bytea) OVER w AS prev, lag(d.seq, 1, 0::bigint) OVER w AS prev_seq
    FROM decisions d WINDOW w AS (PARTITION BY d.chain ORDER BY d.seq))
  SELECT w.chain, w.seq, 'a decision before it is missing' FROM walked w WHERE w.seq <> w.prev_seq + 1
  UNION ALL
  SELECT w.chain, w.seq, 'its content was changed' FROM walked w
  WHERE w.seq = w.prev_seq + 1 AND w.hash <> decision_digest(w.prev, w.chain, w.seq, w.made_at, w.agent,
    w.action, w.subject, w.verdict, w.reasons, w.policy, w.inputs_digest, w.correlation_id)
  UNION ALL
  SELECT w.chain, w.seq, 'its inputs were changed' FROM walked w
  WHERE w.inputs IS NOT NULL AND w.inputs_digest <> sha256(convert_to(w.inputs::text, 'UTF8'))
  UNION ALL
  SELECT c.chain, c.seq, 'the newest decisions are missing' FROM decision_chains c
  LEFT JOIN (SELECT DISTINCT ON (w.chain) w.chain, w.seq, w.hash FROM walked w
    ORDER BY w.chain, w.seq DESC) last ON last.chain = c.chain
  WHERE (c.seq, c.hash) IS DISTINCT FROM (coalesce(last.seq, 0), coalesce(last.hash, '\x'::bytea))
$$;

-- Make the partitions of the months given, and of those of which rows wait in <table>_default; move
-- these rows. Writers wait meanwhile, some milliseconds a month: one that had chosen <table>_default
-- before would find that its row belongs there no more. Readers go on. Call it under an advisory
-- lock, and with a lock_timeout.
CREATE FUNCTION keep_monthly_partitions(p_table text, p_column text, p_months date[])
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  m date; part text; rest text := p_table || '_default'; stray date[];
  starts timestamptz; ends timestamptz;
BEGIN
  EXECUTE format('SELECT coalesce(array_agg(DISTINCT date_trunc(''month'', %I AT TIME ZONE ''UTC'')::date), ''{}'')
    FROM %I', p_column, rest) INTO stray;
  FOR m IN SELECT DISTINCT unnest(p_months || stray) ORDER BY 1 LOOP
    part := p_table || to_char(m, '"_"YYYY"_"MM');
    CONTINUE WHEN to_regclass(quote_ident(part)) IS NOT NULL;
    starts := m::timestamp AT TIME ZONE 'UTC';
    ends := (m + interval '1 month')::timestamp AT TIME ZONE 'UTC';
    EXECUTE format('LOCK TABLE ONLY %I IN SHARE ROW EXCLUSIVE MODE', p_table);
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', rest);
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part, p_table);
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= $1 AND %I < $2 RETURNING *)
      INSERT INTO %I SELECT * FROM moved', rest, p_column, p_column, part) USING starts, ends;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
      p_table, part, starts, ends);
    RETURN NEXT part;
  END LOOP;
END $$;
