-- The mailbox: one narrow hot table with ONE index; delayed, dead and dedupe keys beside it.
-- Why this shape: a held snapshot must not make claims dearer, and a finished message must be
-- deleted in the transaction of its effects (docs/adr/0010-mailbox.md).
CREATE SEQUENCE message_seq;
CREATE SEQUENCE worker_epoch;

CREATE TABLE messages (
  recipient text NOT NULL,
  lane smallint NOT NULL,
  seq bigint NOT NULL DEFAULT nextval('message_seq'),
  id bigint NOT NULL,
  kind text NOT NULL,
  body jsonb NOT NULL,
  correlation_id text,
  causation_id bigint,
  attempts smallint NOT NULL DEFAULT 0,
  max_attempts smallint NOT NULL DEFAULT 8,
  lease_owner bigint,
  lease_until timestamptz,
  last_error text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (recipient, lane, seq)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_vacuum_insert_threshold = 50000, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 50000);

CREATE TABLE delayed_messages (
  due_at timestamptz NOT NULL,
  id bigint NOT NULL,
  recipient text NOT NULL,
  lane smallint NOT NULL,
  kind text NOT NULL,
  body jsonb NOT NULL,
  correlation_id text,
  causation_id bigint,
  attempts smallint NOT NULL,
  max_attempts smallint NOT NULL,
  last_error text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (due_at, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0);

CREATE TABLE dead_letters (
  id bigint PRIMARY KEY,
  recipient text NOT NULL,
  lane smallint NOT NULL,
  kind text NOT NULL,
  body jsonb NOT NULL,
  correlation_id text,
  causation_id bigint,
  attempts smallint NOT NULL,
  max_attempts smallint NOT NULL,
  reason text NOT NULL,
  created_at timestamptz NOT NULL,
  dead_at timestamptz NOT NULL
);
CREATE INDEX dead_letters_recipient ON dead_letters (recipient, id);

-- Outlives its message; purged by age.
CREATE TABLE message_keys (
  recipient text NOT NULL,
  key text NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (recipient, key)
);
CREATE INDEX message_keys_age ON message_keys USING brin (seen_at);

CREATE TABLE agents (
  role text PRIMARY KEY,
  paused boolean NOT NULL DEFAULT false,
  paused_by text,
  paused_reason text,
  min_workers smallint NOT NULL DEFAULT 1,
  max_workers smallint NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (0 <= min_workers AND min_workers <= max_workers)
);

CREATE TABLE agent_workers (
  epoch bigint PRIMARY KEY,
  role text NOT NULL,
  name text NOT NULL UNIQUE,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  report jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX agent_workers_role ON agent_workers (role);

-- Post in the transaction of the change that causes the messages: no key, due at once. First for
-- messages that differ in their bodies only, as those of a turn do, in one JSON array; then arrays of
-- equal length. The clock is read once, and nothing is RETURNed for each row: a third of the cost.
CREATE FUNCTION mailbox_post_alike(
  p_recipient text, p_lane smallint, p_kind text, p_bodies jsonb,
  p_correlation text, p_causation bigint, p_max_attempts smallint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v_now timestamptz := clock_timestamp(); n bigint;
BEGIN
  INSERT INTO messages (recipient, lane, seq, id, kind, body, correlation_id, causation_id, max_attempts,
    created_at)
  SELECT p_recipient, p_lane, s, s, p_kind, b, p_correlation, p_causation, p_max_attempts, v_now
  FROM (SELECT b, nextval('message_seq') s FROM jsonb_array_elements(p_bodies) b) q;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;

CREATE FUNCTION mailbox_post_plain(
  p_recipient text[], p_lane smallint[], p_kind text[], p_body text[],
  p_correlation text[], p_causation bigint[], p_max_attempts smallint
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO messages (recipient, lane, seq, id, kind, body, correlation_id, causation_id, max_attempts,
    created_at)
  SELECT r, l, s, s, d, b::jsonb, c, a, p_max_attempts, v_now FROM (
    SELECT u.*, nextval('message_seq') s
    FROM unnest(p_recipient, p_lane, p_kind, p_body, p_correlation, p_causation) u(r, l, d, b, c, a)) q;
  RETURN cardinality(p_body);
END $$;

CREATE FUNCTION mailbox_post(
  p_recipient text[], p_lane smallint[], p_kind text[], p_body text[],
  p_correlation text[], p_causation bigint[], p_max_attempts smallint,
  p_key text[], p_due timestamptz[], p_now timestamptz
) RETURNS bigint LANGUAGE sql AS $$
  WITH m AS (
    SELECT u.*, row_number() OVER (PARTITION BY r, k ORDER BY o) AS nth
    FROM unnest(p_recipient, p_lane, p_kind, p_body, p_correlation, p_causation, p_key, p_due)
      WITH ORDINALITY u(r, l, d, b, c, a, k, t, o)),
  first_seen AS (
    INSERT INTO message_keys (recipient, key)
    SELECT r, k FROM m WHERE k IS NOT NULL AND nth = 1 ORDER BY 1, 2
    ON CONFLICT DO NOTHING RETURNING recipient, key),
  fresh AS (
    SELECT m.*, nextval('message_seq') AS s
    FROM m LEFT JOIN first_seen f ON f.recipient = m.r AND f.key = m.k
    WHERE m.k IS NULL OR (m.nth = 1 AND f.key IS NOT NULL)),
  due AS (
    INSERT INTO messages (recipient, lane, seq, id, kind, body, correlation_id, causation_id, max_attempts)
    SELECT r, l, s, s, d, b::jsonb, c, a, p_max_attempts FROM fresh
    WHERE t IS NULL OR t <= coalesce(p_now, clock_timestamp()) RETURNING 1),
  later AS (
    INSERT INTO delayed_messages (due_at, id, recipient, lane, kind, body, correlation_id, causation_id,
      attempts, max_attempts, created_at)
    SELECT t, s, r, l, d, b::jsonb, c, a, 0, p_max_attempts, coalesce(p_now, clock_timestamp()) FROM fresh
    WHERE t > coalesce(p_now, clock_timestamp()) RETURNING 1)
  SELECT (SELECT count(*) FROM due) + (SELECT count(*) FROM later)
$$;

-- Claim due messages, lane by lane. p_floors[i] = "nothing unclaimed below": keeps the cost flat
-- when a held snapshot stops VACUUM. The SETs pin the index plan: one cached while the table was
-- empty would scan it for ever after. ARRAY(...) runs once; FROM (subquery) may be run again by a
-- nested loop and then claims more than the limit.
CREATE FUNCTION mailbox_claim(
  p_recipient text, p_owner bigint, p_n int, p_lease interval, p_floors bigint[], p_now timestamptz
) RETURNS TABLE (lane smallint, seq bigint, id bigint, kind text, body text, correlation_id text,
  attempts smallint, max_attempts smallint, created_at timestamptz)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE l int; k int; v_now timestamptz := coalesce(p_now, clock_timestamp());
BEGIN
  IF EXISTS (SELECT 1 FROM agents a WHERE a.role = p_recipient AND a.paused) THEN RETURN; END IF;
  FOR l IN 0 .. cardinality(p_floors) - 1 LOOP
    RETURN QUERY UPDATE messages m
      SET lease_owner = p_owner, lease_until = v_now + p_lease, attempts = m.attempts + 1
      WHERE m.ctid = ANY (ARRAY(
        SELECT q.ctid FROM messages q
        WHERE q.recipient = p_recipient AND q.lane = l::smallint AND q.seq >= p_floors[l + 1]
          AND q.lease_until IS NULL
        ORDER BY q.recipient, q.lane, q.seq LIMIT p_n FOR UPDATE SKIP LOCKED))
      RETURNING m.lane, m.seq, m.id, m.kind, m.body::text, m.correlation_id, m.attempts,
        m.max_attempts, m.created_at;
    GET DIAGNOSTICS k = ROW_COUNT;
    p_n := p_n - k;
    EXIT WHEN p_n <= 0;
  END LOOP;
END $$;

-- ONE message whose lease ran out (its worker died, or is too slow): alone, so that a poison
-- message cannot take innocents with it.
CREATE FUNCTION mailbox_claim_suspect(
  p_recipient text, p_owner bigint, p_lease interval, p_ceilings bigint[], p_now timestamptz
) RETURNS TABLE (lane smallint, seq bigint, id bigint, kind text, body text, correlation_id text,
  attempts smallint, max_attempts smallint, created_at timestamptz)
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE l int; v_now timestamptz := coalesce(p_now, clock_timestamp());
BEGIN
  IF EXISTS (SELECT 1 FROM agents a WHERE a.role = p_recipient AND a.paused) THEN RETURN; END IF;
  FOR l IN 0 .. cardinality(p_ceilings) - 1 LOOP
    RETURN QUERY UPDATE messages m
      SET lease_owner = p_owner, lease_until = v_now + p_lease, attempts = m.attempts + 1
      WHERE m.ctid = ANY (ARRAY(
        SELECT q.ctid FROM messages q
        WHERE q.recipient = p_recipient AND q.lane = l::smallint AND q.seq <= p_ceilings[l + 1]
          AND q.lease_until < v_now
        ORDER BY q.recipient, q.lane, q.seq LIMIT 1 FOR UPDATE SKIP LOCKED))
      RETURNING m.lane, m.seq, m.id, m.kind, m.body::text, m.correlation_id, m.attempts,
        m.max_attempts, m.created_at;
    EXIT WHEN FOUND;
  END LOOP;
END $$;

-- Inside the transaction of the effects. Fenced by owner and attempt: a count below the number
-- given means that the lease was lost, and the caller rolls back. A seq is in one lane only, so the
-- lanes need no order.
CREATE FUNCTION mailbox_finish(
  p_recipient text, p_owner bigint, p_lanes smallint[], p_seq bigint[], p_attempts smallint[]
) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE n bigint;
BEGIN
  DELETE FROM messages m WHERE m.recipient = p_recipient AND m.lane = ANY (p_lanes) AND m.seq = ANY (p_seq)
    AND m.lease_owner = p_owner AND m.attempts = p_attempts[array_position(p_seq, m.seq)];
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$;

-- The same fence without finishing: for the intent of a turn that changes the outside world.
CREATE FUNCTION mailbox_hold(
  p_recipient text, p_owner bigint, p_lane smallint[], p_seq bigint[], p_attempts smallint[],
  p_lease interval, p_now timestamptz
) RETURNS bigint LANGUAGE sql SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  WITH held AS (
    UPDATE messages m SET lease_until = coalesce(p_now, clock_timestamp()) + p_lease
    FROM unnest(p_lane, p_seq, p_attempts) u(l, s, a)
    WHERE m.recipient = p_recipient AND m.lane = u.l AND m.seq = u.s
      AND m.lease_owner = p_owner AND m.attempts = u.a RETURNING 1)
  SELECT count(*) FROM held
$$;

-- Deliver again later. p_counts false: a snooze, which is not a failed attempt.
CREATE FUNCTION mailbox_defer(
  p_recipient text, p_owner bigint, p_lane smallint[], p_seq bigint[], p_attempts smallint[],
  p_due timestamptz, p_error text, p_counts boolean
) RETURNS bigint LANGUAGE sql SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  WITH gone AS (
    DELETE FROM messages m USING unnest(p_lane, p_seq, p_attempts) u(l, s, a)
    WHERE m.recipient = p_recipient AND m.lane = u.l AND m.seq = u.s
      AND m.lease_owner = p_owner AND m.attempts = u.a RETURNING m.*),
  later AS (
    INSERT INTO delayed_messages (due_at, id, recipient, lane, kind, body, correlation_id, causation_id,
      attempts, max_attempts, last_error, created_at)
    SELECT p_due, id, recipient, lane, kind, body, correlation_id, causation_id,
      CASE WHEN p_counts THEN attempts ELSE attempts - 1 END, max_attempts, left(p_error, 2000), created_at
    FROM gone RETURNING 1)
  SELECT count(*) FROM later
$$;

CREATE FUNCTION mailbox_bury(
  p_recipient text, p_owner bigint, p_lane smallint[], p_seq bigint[], p_attempts smallint[],
  p_reason text, p_now timestamptz
) RETURNS bigint LANGUAGE sql SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  WITH gone AS (
    DELETE FROM messages m USING unnest(p_lane, p_seq, p_attempts) u(l, s, a)
    WHERE m.recipient = p_recipient AND m.lane = u.l AND m.seq = u.s
      AND m.lease_owner = p_owner AND m.attempts = u.a RETURNING m.*),
  dead AS (
    INSERT INTO dead_letters (id, recipient, lane, kind, body, correlation_id, causation_id, attempts,
      max_attempts, reason, created_at, dead_at)
    SELECT id, recipient, lane, kind, body, correlation_id, causation_id, attempts, max_attempts,
      left(p_reason, 2000), created_at, coalesce(p_now, clock_timestamp()) FROM gone
    ON CONFLICT (id) DO UPDATE SET attempts = excluded.attempts, reason = excluded.reason,
      dead_at = excluded.dead_at
    RETURNING 1)
  SELECT count(*) FROM dead
$$;

CREATE FUNCTION mailbox_replay(p_ids bigint[]) RETURNS TABLE (recipient text) LANGUAGE sql AS $$
  WITH gone AS (DELETE FROM dead_letters WHERE id = ANY (p_ids) RETURNING *)
  INSERT INTO messages (recipient, lane, id, kind, body, correlation_id, causation_id, max_attempts, created_at)
  SELECT recipient, lane, id, kind, body, correlation_id, causation_id, max_attempts, created_at FROM gone
  RETURNING recipient
$$;

CREATE FUNCTION mailbox_renew(
  p_recipient text, p_owner bigint, p_lane smallint[], p_seq bigint[], p_lease interval, p_now timestamptz
) RETURNS SETOF bigint LANGUAGE sql SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
  UPDATE messages m SET lease_until = coalesce(p_now, clock_timestamp()) + p_lease
  FROM unnest(p_lane, p_seq) u(l, s)
  WHERE m.recipient = p_recipient AND m.lane = u.l AND m.seq = u.s AND m.lease_owner = p_owner
  RETURNING m.seq
$$;

-- Move what has come due into the mailbox; the recipients concerned come back.
CREATE FUNCTION mailbox_promote(p_n int, p_now timestamptz) RETURNS TABLE (recipient text) LANGUAGE sql AS $$
  WITH gone AS (
    DELETE FROM delayed_messages WHERE (due_at, id) IN (
      SELECT due_at, id FROM delayed_messages WHERE due_at <= coalesce(p_now, clock_timestamp())
      ORDER BY due_at, id LIMIT p_n FOR UPDATE SKIP LOCKED) RETURNING *),
  moved AS (
    INSERT INTO messages (recipient, lane, id, kind, body, correlation_id, causation_id, attempts,
      max_attempts, last_error, created_at)
    SELECT recipient, lane, id, kind, body, correlation_id, causation_id, attempts, max_attempts,
      last_error, created_at FROM gone ORDER BY due_at, id RETURNING recipient)
  SELECT DISTINCT recipient FROM moved
$$;

-- A restarted worker frees what its dead predecessor held, at once; fencing makes a false alarm harmless.
CREATE FUNCTION mailbox_register(p_role text, p_name text, p_now timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE e bigint := nextval('worker_epoch');
BEGIN
  UPDATE messages SET lease_until = '-infinity'
    WHERE recipient = p_role AND lease_owner IN (SELECT epoch FROM agent_workers WHERE name = p_name);
  DELETE FROM agent_workers WHERE name = p_name;
  INSERT INTO agent_workers (epoch, role, name, started_at, beat_at)
    VALUES (e, p_role, p_name, coalesce(p_now, clock_timestamp()), coalesce(p_now, clock_timestamp()));
  RETURN e;
END $$;

-- What each role has not begun, counted up to p_most, newest first: dead rows that a held snapshot
-- keeps lie at the old end.
CREATE FUNCTION agents_backlog(p_most int) RETURNS TABLE (role text, waiting int) LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
  SELECT a.role, (SELECT count(*)::int FROM (
    SELECT 1 FROM messages m WHERE m.recipient = a.role AND m.lease_until IS NULL
    ORDER BY m.recipient DESC, m.lane DESC, m.seq DESC LIMIT p_most) counted)
  FROM agents a WHERE NOT a.paused
  UNION ALL SELECT a.role, 0 FROM agents a WHERE a.paused
$$;

CREATE FUNCTION agents_overview(p_most int) RETURNS TABLE (role text, paused boolean, paused_by text,
  paused_reason text, min_workers smallint, max_workers smallint, waiting int, delayed int, dead int,
  first_created timestamptz) LANGUAGE sql STABLE
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
  SELECT a.role, a.paused, a.paused_by, a.paused_reason, a.min_workers, a.max_workers,
    (SELECT count(*)::int FROM (
      SELECT 1 FROM messages m WHERE m.recipient = a.role AND m.lease_until IS NULL
      ORDER BY m.recipient DESC, m.lane DESC, m.seq DESC LIMIT p_most) counted),
    (SELECT count(*)::int FROM (
      SELECT d.recipient FROM delayed_messages d ORDER BY d.due_at LIMIT p_most) soon
      WHERE soon.recipient = a.role),
    (SELECT count(*)::int FROM (
      SELECT 1 FROM dead_letters d WHERE d.recipient = a.role LIMIT p_most) counted),
    (SELECT min(head.created_at) FROM generate_series(0, 2) l, LATERAL (
      SELECT m.created_at FROM messages m
      WHERE m.recipient = a.role AND m.lane = l AND m.lease_until IS NULL
      ORDER BY m.recipient, m.lane, m.seq LIMIT 1) head)
  FROM agents a
$$;
