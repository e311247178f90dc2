// SPDX-License-Identifier: Apache-2.0
#include "ledger/postgres_schema.h"

namespace ledgermill::ledger {

// Every function fixes its search_path and names what it touches in full: it runs with the owner's rights, and a
// caller's own objects must not take the place of ours. "Protocol n" is invariant n of docs/ARCHITECTURE.md.
const char* const kPostgresSchema = R"sql(
CREATE SCHEMA ledgermill;

CREATE TABLE ledgermill.schema_version(version int NOT NULL, ledger_id text NOT NULL);
INSERT INTO ledgermill.schema_version VALUES (1, substr(md5(random()::text || clock_timestamp()::text), 1, 8));

CREATE TABLE ledgermill.batch(
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  feed text NOT NULL,
  table_name text NOT NULL,
  target text NOT NULL,
  business_date text NOT NULL,
  attempt int NOT NULL,
  state text NOT NULL CHECK (state IN ('planned','loading','loaded','published','refused','discarded','superseded')),
  file_name text NOT NULL,
  file_sha256 text NOT NULL,
  file_bytes bigint NOT NULL,
  records bigint NOT NULL,
  chunks int NOT NULL,
  plan text NOT NULL,
  rejects_root text NOT NULL,
  rejects_folder text NOT NULL,
  corrects text,
  refusal text NOT NULL DEFAULT '',
  planned_at bigint NOT NULL,
  ended_at bigint,
  final_epoch bigint NOT NULL DEFAULT 0,
  final_pid int NOT NULL DEFAULT 0,
  final_start text NOT NULL DEFAULT '',
  final_lease_until timestamptz NOT NULL DEFAULT '-infinity');
-- Protocol 1: one batch a file, one published batch a feed and business date.
CREATE UNIQUE INDEX batch_identity ON ledgermill.batch(feed, file_sha256, file_bytes, business_date) WHERE state <> 'discarded';
CREATE UNIQUE INDEX batch_day ON ledgermill.batch(feed, business_date) WHERE state = 'published' AND business_date <> '';

CREATE TABLE ledgermill.chunk(
  batch bigint NOT NULL REFERENCES ledgermill.batch(number),
  number int NOT NULL,
  first_byte bigint NOT NULL,
  bytes bigint NOT NULL,
  first_record bigint NOT NULL,
  records bigint NOT NULL,
  sha256 text NOT NULL,
  state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned','claimed','done')),
  epoch bigint NOT NULL DEFAULT 0,
  worker text NOT NULL DEFAULT '',
  holder_pid int NOT NULL DEFAULT 0,
  holder_start text NOT NULL DEFAULT '',
  lease_until timestamptz NOT NULL DEFAULT '-infinity',
  claimed_at timestamptz,
  done_at timestamptz,
  accepted bigint NOT NULL DEFAULT 0,
  rejected bigint NOT NULL DEFAULT 0,
  totals text NOT NULL DEFAULT '',
  reasons text NOT NULL DEFAULT '',
  part_name text,
  part_rejects bigint,
  part_bytes bigint,
  part_sha256 text,
  PRIMARY KEY (batch, number),
  CONSTRAINT chunk_in_balance CHECK (state <> 'done' OR accepted + rejected = records),
  CONSTRAINT chunk_part_counts CHECK (state <> 'done' OR coalesce(part_rejects, 0) = rejected)) WITH (fillfactor = 70);

CREATE TABLE ledgermill.delivery(
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  feed text NOT NULL, file_name text NOT NULL, file_sha256 text NOT NULL, file_bytes bigint NOT NULL, business_date text NOT NULL,
  batch bigint, disposition text NOT NULL, seen_at timestamptz NOT NULL DEFAULT clock_timestamp());

CREATE TABLE ledgermill.target(
  table_name text NOT NULL, version int NOT NULL, postings text NOT NULL, columns text NOT NULL, PRIMARY KEY (table_name, version));

CREATE TABLE ledgermill.annotation(
  batch bigint NOT NULL, record_number bigint NOT NULL, name text NOT NULL, value text NOT NULL, source text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (batch, record_number, name, source));
CREATE TABLE ledgermill.label(
  batch bigint NOT NULL, record_number bigint NOT NULL, name text NOT NULL, value text NOT NULL, source text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (batch, record_number, name, source));

CREATE VIEW ledgermill.batches AS
  SELECT b.number, b.id AS batch, b.feed, b.business_date, b.attempt, b.state, b.file_name, b.file_sha256, b.file_bytes, b.records, b.chunks,
         (SELECT count(*) FROM ledgermill.chunk c WHERE c.batch = b.number AND c.state = 'done') AS chunks_done,
         (SELECT coalesce(sum(accepted), 0) FROM ledgermill.chunk c WHERE c.batch = b.number) AS accepted,
         (SELECT coalesce(sum(rejected), 0) FROM ledgermill.chunk c WHERE c.batch = b.number) AS rejected,
         b.refusal, b.corrects, to_timestamp(b.planned_at / 1e9) AS planned_at, to_timestamp(b.ended_at / 1e9) AS ended_at
  FROM ledgermill.batch b;

-- Protocol 2: the plan is stored once, in one transaction. One registration of a feed at a time.
CREATE FUNCTION ledgermill.register_batch(
  p_feed text, p_table text, p_id text, p_date text, p_name text, p_sha256 text, p_bytes bigint, p_records bigint, p_plan text,
  p_rejects_root text, p_corrects text, p_planned_at bigint,
  p_first_bytes bigint[], p_chunk_bytes bigint[], p_first_records bigint[], p_chunk_records bigint[], p_chunk_sha256 text[])
RETURNS TABLE (outcome text, number bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_outcome text := 'registered';
  v_number bigint;
  v_state text;
  v_attempt int;
  v_id text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('ledgermill feed ' || p_feed, 0));
  SELECT b.number, b.state INTO v_number, v_state FROM ledgermill.batch b
    WHERE b.feed = p_feed AND b.file_sha256 = p_sha256 AND b.file_bytes = p_bytes AND b.business_date = p_date AND b.state <> 'discarded';
  IF FOUND THEN
    v_outcome := CASE WHEN v_state IN ('planned','loading','loaded') THEN 'resumed' WHEN v_state = 'refused' THEN 'refused before' ELSE 'duplicate' END;
  ELSIF p_corrects IS NOT NULL THEN
    PERFORM 1 FROM ledgermill.batch b WHERE b.id = p_corrects AND b.feed = p_feed AND b.business_date = p_date AND b.state = 'published';
    IF NOT FOUND THEN v_outcome := 'nothing to correct'; END IF;
  ELSIF p_date <> '' THEN
    SELECT b.number INTO v_number FROM ledgermill.batch b WHERE b.feed = p_feed AND b.business_date = p_date AND b.state = 'published';
    IF FOUND THEN v_outcome := 'business date taken'; END IF;
  END IF;
  IF v_outcome = 'registered' THEN
    SELECT count(*) + 1 INTO v_attempt FROM ledgermill.batch b
      WHERE b.feed = p_feed AND b.file_sha256 = p_sha256 AND b.file_bytes = p_bytes AND b.business_date = p_date;
    v_id := p_id || CASE WHEN v_attempt > 1 THEN '/' || v_attempt ELSE '' END;
    INSERT INTO ledgermill.batch(id, feed, table_name, target, business_date, attempt, state, file_name, file_sha256, file_bytes, records, chunks,
                                 plan, rejects_root, rejects_folder, corrects, planned_at)
      SELECT v_id, p_feed, p_table, t.postings, p_date, v_attempt, 'planned', p_name, p_sha256, p_bytes, p_records, coalesce(array_length(p_first_bytes, 1), 0),
             p_plan, p_rejects_root, p_feed || '/' || replace(v_id, '/', '-') || '-' || (SELECT s.ledger_id FROM ledgermill.schema_version s), p_corrects, p_planned_at
      FROM ledgermill.target t WHERE t.table_name = p_table ORDER BY t.version DESC LIMIT 1
      RETURNING batch.number INTO STRICT v_number;
    INSERT INTO ledgermill.chunk(batch, number, first_byte, bytes, first_record, records, sha256)
      SELECT v_number, u.n, u.first_byte, u.bytes, u.first_record, u.records, u.sha256
      FROM unnest(p_first_bytes, p_chunk_bytes, p_first_records, p_chunk_records, p_chunk_sha256)
           WITH ORDINALITY AS u(first_byte, bytes, first_record, records, sha256, n);
  END IF;
  INSERT INTO ledgermill.delivery(feed, file_name, file_sha256, file_bytes, business_date, batch, disposition)
    VALUES (p_feed, p_name, p_sha256, p_bytes, p_date, v_number, v_outcome);
  RETURN QUERY SELECT v_outcome, v_number;
END $$;

-- Whether the backend that holds a claim may still be there. Its start is hidden from other roles: then its pid counts,
-- and the lease decides.
CREATE FUNCTION ledgermill.holder_lives(p_pid int, p_start text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.pid = p_pid AND (a.backend_start IS NULL OR a.backend_start::text = p_start));
$$;

-- Protocol 3: a claim is a short transaction; the lease runs by the database's clock.
CREATE FUNCTION ledgermill.claim_chunk(p_batch bigint, p_worker text, p_pid int, p_start text, p_lease_seconds double precision)
RETURNS TABLE (status text, chunk int, epoch bigint, former_pid int, former_start text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_state text;
  v_chunk ledgermill.chunk;
BEGIN
  SELECT b.state INTO v_state FROM ledgermill.batch b WHERE b.number = p_batch;
  IF v_state IS NULL OR v_state NOT IN ('planned','loading','loaded') THEN
    RETURN QUERY SELECT 'ended', 0, 0::bigint, 0, '';
    RETURN;
  END IF;
  SELECT k.* INTO v_chunk FROM ledgermill.chunk k
    WHERE k.batch = p_batch AND (k.state = 'planned' OR
          (k.state = 'claimed' AND (k.lease_until < clock_timestamp() OR NOT ledgermill.holder_lives(k.holder_pid, k.holder_start))))
    ORDER BY k.number LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    PERFORM 1 FROM ledgermill.chunk k WHERE k.batch = p_batch AND k.state <> 'done' LIMIT 1;
    RETURN QUERY SELECT CASE WHEN FOUND THEN 'others' ELSE 'all done' END, 0, 0::bigint, 0, '';
    RETURN;
  END IF;
  UPDATE ledgermill.chunk k SET state = 'claimed', epoch = v_chunk.epoch + 1, worker = p_worker, holder_pid = p_pid, holder_start = p_start,
         lease_until = clock_timestamp() + make_interval(secs => p_lease_seconds), claimed_at = clock_timestamp()
    WHERE k.batch = p_batch AND k.number = v_chunk.number;
  IF v_state = 'planned' THEN
    UPDATE ledgermill.batch b SET state = 'loading' WHERE b.number = p_batch AND b.state = 'planned';
  END IF;
  RETURN QUERY SELECT 'claimed', v_chunk.number, v_chunk.epoch + 1,
                      CASE WHEN v_chunk.state = 'claimed' THEN v_chunk.holder_pid ELSE 0 END, v_chunk.holder_start;
END $$;

CREATE FUNCTION ledgermill.renew_chunk(p_batch bigint, p_chunk int, p_epoch bigint, p_lease_seconds double precision) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE ledgermill.chunk SET lease_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
    WHERE batch = p_batch AND number = p_chunk AND epoch = p_epoch AND state = 'claimed';
  RETURN FOUND;
END $$;

CREATE FUNCTION ledgermill.release_chunk(p_batch bigint, p_chunk int, p_epoch bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE ledgermill.chunk SET state = 'planned', lease_until = '-infinity' WHERE batch = p_batch AND number = p_chunk AND epoch = p_epoch AND state = 'claimed';
  RETURN FOUND;
END $$;

-- Protocol 4: the fence, last in the posting transaction. False: the claim is lost, and the caller rolls back. The
-- batch's row is held against a discard that would miss these rows.
CREATE FUNCTION ledgermill.finish_chunk(
  p_batch bigint, p_chunk int, p_epoch bigint, p_accepted bigint, p_rejected bigint, p_totals text, p_reasons text,
  p_part_name text, p_part_rejects bigint, p_part_bytes bigint, p_part_sha256 text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM 1 FROM ledgermill.batch WHERE number = p_batch AND state = 'loading' FOR SHARE;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE ledgermill.chunk SET state = 'done', done_at = clock_timestamp(), accepted = p_accepted, rejected = p_rejected, totals = p_totals,
         reasons = p_reasons, part_name = p_part_name, part_rejects = p_part_rejects, part_bytes = p_part_bytes, part_sha256 = p_part_sha256
    WHERE batch = p_batch AND number = p_chunk AND epoch = p_epoch AND state = 'claimed';
  RETURN FOUND;
END $$;

-- Protocol 9: waits for a commit in doubt to end one way or the other, then says which.
CREATE FUNCTION ledgermill.chunk_is_done(p_batch bigint, p_chunk int, p_epoch bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_chunk ledgermill.chunk;
BEGIN
  SELECT * INTO STRICT v_chunk FROM ledgermill.chunk WHERE batch = p_batch AND number = p_chunk FOR UPDATE;
  RETURN v_chunk.state = 'done' AND v_chunk.epoch = p_epoch;
END $$;

-- Protocol 7: finalising is a claim too.
CREATE FUNCTION ledgermill.claim_final(p_batch bigint, p_pid int, p_start text, p_lease_seconds double precision)
RETURNS TABLE (status text, epoch bigint, former_pid int, former_start text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_batch ledgermill.batch;
BEGIN
  SELECT * INTO v_batch FROM ledgermill.batch b WHERE b.number = p_batch FOR UPDATE;
  IF NOT FOUND OR v_batch.state NOT IN ('planned','loading','loaded') THEN
    RETURN QUERY SELECT 'ended', 0::bigint, 0, '';
    RETURN;
  END IF;
  PERFORM 1 FROM ledgermill.chunk k WHERE k.batch = p_batch AND k.state <> 'done' LIMIT 1;
  IF FOUND OR (v_batch.final_pid <> p_pid AND v_batch.final_lease_until >= clock_timestamp() AND ledgermill.holder_lives(v_batch.final_pid, v_batch.final_start)) THEN
    RETURN QUERY SELECT 'others', 0::bigint, 0, '';
    RETURN;
  END IF;
  UPDATE ledgermill.batch b SET state = 'loaded', final_epoch = v_batch.final_epoch + 1, final_pid = p_pid, final_start = p_start,
         final_lease_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
    WHERE b.number = p_batch;
  RETURN QUERY SELECT 'claimed', v_batch.final_epoch + 1, CASE WHEN v_batch.final_pid = p_pid THEN 0 ELSE v_batch.final_pid END, v_batch.final_start;
END $$;

CREATE FUNCTION ledgermill.renew_final(p_batch bigint, p_epoch bigint, p_lease_seconds double precision) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE ledgermill.batch SET final_lease_until = clock_timestamp() + make_interval(secs => p_lease_seconds)
    WHERE number = p_batch AND final_epoch = p_epoch AND state = 'loaded';
  RETURN FOUND;
END $$;

-- Private: drops a batch's rows and ends it. Not granted to anybody.
CREATE FUNCTION ledgermill.end_batch(p_batch bigint, p_state text, p_refusal text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_target text;
BEGIN
  UPDATE ledgermill.batch SET state = p_state, refusal = p_refusal, ended_at = (extract(epoch FROM clock_timestamp()) * 1e9)::bigint
    WHERE number = p_batch RETURNING target INTO STRICT v_target;
  IF p_state <> 'published' THEN
    EXECUTE format('DELETE FROM ledgermill.%I WHERE batch = $1', v_target) USING p_batch;
  END IF;
END $$;

-- Protocol 7: one short transaction. 'lost': another worker finalises; 'conflict': the day was taken, the batch is refused.
CREATE FUNCTION ledgermill.publish(p_batch bigint, p_epoch bigint, p_counted bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_batch ledgermill.batch;
  v_feed text;
  v_other text;
  v_sum record;
BEGIN
  SELECT feed INTO STRICT v_feed FROM ledgermill.batch WHERE number = p_batch;
  PERFORM pg_advisory_xact_lock(hashtextextended('ledgermill feed ' || v_feed, 0));
  SELECT * INTO v_batch FROM ledgermill.batch WHERE number = p_batch AND state = 'loaded' AND final_epoch = p_epoch FOR UPDATE;
  IF NOT FOUND THEN RETURN 'lost'; END IF;
  SELECT count(*) FILTER (WHERE state <> 'done') AS open, coalesce(sum(accepted), 0) AS accepted, coalesce(sum(accepted + rejected), 0) AS judged
    INTO v_sum FROM ledgermill.chunk WHERE batch = p_batch;
  IF v_sum.open > 0 OR v_sum.accepted <> p_counted OR v_sum.judged <> v_batch.records THEN
    RAISE EXCEPTION 'batch % is out of balance: % chunks open, % accepted, % counted, % of % judged',
      v_batch.id, v_sum.open, v_sum.accepted, p_counted, v_sum.judged, v_batch.records;
  END IF;
  IF v_batch.corrects IS NOT NULL THEN
    UPDATE ledgermill.batch SET state = 'superseded' WHERE id = v_batch.corrects AND state = 'published';
  END IF;
  SELECT id INTO v_other FROM ledgermill.batch WHERE feed = v_feed AND business_date = v_batch.business_date AND business_date <> '' AND state = 'published';
  IF FOUND THEN
    PERFORM ledgermill.end_batch(p_batch, 'refused', format('batch ''%s'' was published for the same business date meanwhile', v_other));
    RETURN 'conflict';
  END IF;
  PERFORM ledgermill.end_batch(p_batch, 'published', '');
  RETURN 'published';
END $$;

CREATE FUNCTION ledgermill.refuse(p_batch bigint, p_epoch bigint, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM 1 FROM ledgermill.batch WHERE number = p_batch AND state = 'loaded' AND final_epoch = p_epoch FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM ledgermill.end_batch(p_batch, 'refused', p_reason);
  RETURN true;
END $$;

-- False for a batch that readers saw.
CREATE FUNCTION ledgermill.discard(p_batch bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE v_batch ledgermill.batch;
BEGIN
  SELECT * INTO STRICT v_batch FROM ledgermill.batch WHERE number = p_batch FOR UPDATE;
  IF v_batch.state IN ('published','superseded') THEN RETURN false; END IF;
  PERFORM ledgermill.end_batch(p_batch, 'discarded', v_batch.refusal);
  RETURN true;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledgermill FROM PUBLIC;
)sql";

const char* const kPostgresGrants = R"sql(
DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'ledgermill_loader') THEN
    GRANT USAGE ON SCHEMA ledgermill TO ledgermill_loader;
    GRANT SELECT ON ALL TABLES IN SCHEMA ledgermill TO ledgermill_loader;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ledgermill TO ledgermill_loader;
    REVOKE EXECUTE ON FUNCTION ledgermill.end_batch(bigint, text, text) FROM ledgermill_loader;
  END IF;
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'ledgermill_reader') THEN
    GRANT USAGE ON SCHEMA ledgermill TO ledgermill_reader;
    GRANT SELECT ON ledgermill.batches TO ledgermill_reader;
  END IF;
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'ledgermill_dashboard') THEN
    GRANT USAGE ON SCHEMA ledgermill TO ledgermill_dashboard;
    GRANT SELECT ON ALL TABLES IN SCHEMA ledgermill TO ledgermill_dashboard;
  END IF;
END $$;
)sql";

}  // namespace ledgermill::ledger
