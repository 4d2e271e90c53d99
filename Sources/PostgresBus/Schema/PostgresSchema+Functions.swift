import MessageBus

extension PostgresSchema {
    var functions: String { [enter, trim, publish, sweep].joined(separator: "\n") }

    /// `enter` takes the lock, and begins a new epoch where the log's run is not the server's or the caller knows of more than the log has.
    ///
    /// The run is the server's timeline, which every promotion and every recovery to a point in time changes, and the number of the table, which is another
    /// one where a dump was restored.
    private var enter: String {
        """
            CREATE OR REPLACE FUNCTION \(namespace).enter(seen_epoch bigint, seen_offset bigint)
            RETURNS \(namespace).state LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
            DECLARE
              s \(namespace).state;
              here text;
              began timestamptz;
            BEGIN
              IF pg_is_in_recovery() THEN
                RAISE read_only_sql_transaction USING MESSAGE = 'the server is a standby';
              END IF;
              PERFORM pg_advisory_xact_lock(\(lock));
              here := substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '.' || '\(namespace).state'::regclass::oid;
              SELECT * INTO s FROM \(namespace).state;
              IF s.run = here AND (seen_epoch, seen_offset) <= (s.epoch, s.last_offset)
                AND s.last_offset < \(Position.maximumComponent - 1_000_000)
              THEN
                RETURN s;
              END IF;
              began := clock_timestamp();
              IF s.run IS NULL THEN
                -- What a log that is gone may have numbered in this tick is not numbered again.
                PERFORM pg_sleep(\(Double(Epoch.tick) / 1000));
                SELECT epoch, "offset" INTO s.epoch, s.last_offset
                  FROM \(namespace).log ORDER BY epoch DESC, "offset" DESC LIMIT 1;
                s.singleton := true;
                s.epoch := coalesce(s.epoch, 0);
                s.last_offset := coalesce(s.last_offset, 0);
                s.prev_epoch := 0;
                s.prev_offset := 0;
              END IF;
              IF s.last_offset > 0 THEN
                s.prev_epoch := s.epoch;
                s.prev_offset := s.last_offset;
              END IF;
              s.run := here;
              s.epoch := greatest(
                floor((extract(epoch FROM began) - \(Self.epochStart)) * \(1000 / Epoch.tick))::bigint,
                s.epoch + 1, seen_epoch + 1);
              s.last_offset := 0;
              SELECT epoch, "offset" - 1 INTO s.floor_epoch, s.floor_offset
                FROM \(namespace).log ORDER BY epoch, "offset" LIMIT 1;
              s.floor_epoch := coalesce(s.floor_epoch, s.epoch);
              s.floor_offset := coalesce(s.floor_offset, 0);
              SELECT count(*) INTO s.held FROM \(namespace).log;
              DELETE FROM \(namespace).state;
              INSERT INTO \(namespace).state SELECT s.*;
              RETURN s;
            END
            $function$;
        """
    }

    /// `trim` lets the oldest alerts go, at most `most` of them, where more than `retained` are held. Its caller holds the lock.
    private var trim: String {
        """
            CREATE OR REPLACE FUNCTION \(namespace).trim(retained bigint, most bigint)
            RETURNS void LANGUAGE plpgsql
            SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $function$
            DECLARE
              s \(namespace).state;
            BEGIN
              SELECT * INTO s FROM \(namespace).state;
              IF s.held <= retained THEN
                RETURN;
              END IF;
              WITH gone AS (
                DELETE FROM \(namespace).log WHERE ctid = ANY (ARRAY(
                  SELECT ctid FROM \(namespace).log WHERE (epoch, "offset") > (s.floor_epoch, s.floor_offset)
                  ORDER BY epoch, "offset" LIMIT least(most, s.held - retained)))
                RETURNING epoch, "offset"
              ), newest AS (
                SELECT epoch, "offset", count(*) OVER () AS number FROM gone
                ORDER BY epoch DESC, "offset" DESC LIMIT 1
              )
              UPDATE \(namespace).state SET floor_epoch = newest.epoch, floor_offset = newest."offset",
                held = held - newest.number FROM newest;
            END
            $function$;
        """
    }

    /// `publish` puts a batch at the log's end and says where each of it stands. No two of a batch have the same topic and key, or the same healed
    /// position.
    ///
    /// `OFFSET 0` keeps the planner from working each `id` out several times over.
    ///
    /// Also pays for what it adds: as many of the oldest alerts and of the expired keys go, once there are enough to make it worth while.
    private var publish: String {
        """
            CREATE OR REPLACE FUNCTION \(namespace).publish(
              bodies bytea[], topics text[], keys bytea[], healed_epochs bigint[], healed_offsets bigint[],
              seen_epoch bigint, seen_offset bigint, retained bigint)
            RETURNS TABLE (at_epoch bigint, at_offset bigint, is_known boolean) LANGUAGE plpgsql
            SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $function$
            DECLARE
              s \(namespace).state;
              head bigint;
              held_now bigint;
              moment timestamptz;
            BEGIN
              s := \(namespace).enter(seen_epoch, seen_offset);
              moment := clock_timestamp();
              RETURN QUERY
                WITH input AS MATERIALIZED (
                  SELECT r.*, coalesce(k.epoch, h.epoch) AS known_epoch, coalesce(k."offset", h."offset") AS known_offset
                  FROM (
                    SELECT u.*, CASE
                        WHEN length(u.key) <= 100 THEN convert_to(u.topic, 'UTF8') || '\\x00' || u.key
                        ELSE '\\x00' || sha256(convert_to(u.topic, 'UTF8') || '\\x00' || u.key)
                      END AS id
                    FROM unnest(bodies, topics, keys, healed_epochs, healed_offsets)
                      WITH ORDINALITY AS u (body, topic, key, healed_epoch, healed_offset, place)
                    OFFSET 0
                  ) r
                  LEFT JOIN LATERAL (
                    SELECT known.epoch, known."offset" FROM \(namespace).key known
                    WHERE known.id = r.id AND known.time > moment - interval '\(Self.keyLifetime)' LIMIT 1
                  ) k ON true
                  LEFT JOIN LATERAL (
                    SELECT known.epoch, known."offset" FROM \(namespace).log known
                    WHERE known.healed_epoch = r.healed_epoch AND known.healed_offset = r.healed_offset LIMIT 1
                  ) h ON true
                ), placed AS MATERIALIZED (
                  SELECT *, s.last_offset + count(*) FILTER (WHERE known_epoch IS NULL)
                    OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) AS new_offset
                  FROM input
                ), stored AS (
                  INSERT INTO \(namespace).log
                    (epoch, "offset", time, body, key, healed_epoch, healed_offset, prev_epoch, prev_offset)
                  SELECT s.epoch, new_offset, moment, body, key, healed_epoch, healed_offset,
                    CASE WHEN new_offset = 1 THEN s.prev_epoch END, CASE WHEN new_offset = 1 THEN s.prev_offset END
                  FROM placed WHERE known_epoch IS NULL
                ), remembered AS (
                  INSERT INTO \(namespace).key AS k (epoch, "offset", time, id)
                  SELECT s.epoch, new_offset, moment, id FROM placed WHERE known_epoch IS NULL AND id IS NOT NULL
                  ON CONFLICT (id) DO UPDATE
                    SET epoch = excluded.epoch, "offset" = excluded."offset", time = excluded.time
                ), advanced AS (
                  UPDATE \(namespace).state SET last_offset = last_offset + added.number, held = held + added.number
                  FROM (SELECT count(*) AS number FROM placed WHERE known_epoch IS NULL) added WHERE added.number > 0
                )
                SELECT coalesce(known_epoch, s.epoch), coalesce(known_offset, new_offset), known_epoch IS NOT NULL
                FROM placed ORDER BY place;
              SELECT state.last_offset, state.held INTO head, held_now FROM \(namespace).state;
              IF head > s.last_offset THEN
                PERFORM pg_notify('\(namespace.channel)', s.epoch || '-' || head);
              END IF;
              IF held_now > retained + least(retained / 8, 1000) THEN
                PERFORM \(namespace).trim(retained, greatest(2000, 4 * (head - s.last_offset)));
              END IF;
              IF head / 256 > s.last_offset / 256 THEN
                DELETE FROM \(namespace).key WHERE ctid = ANY (ARRAY(
                  SELECT expired.ctid FROM \(namespace).key expired
                  WHERE expired.time < moment - interval '\(Self.keyLifetime)' ORDER BY expired.time
                  LIMIT greatest(1000, 2 * (head - s.last_offset))));
              END IF;
            END
            $function$;
        """
    }

    /// `sweep` does what publishing leaves behind where nobody publishes, and counts anew where others have changed the log.
    private var sweep: String {
        """
            CREATE OR REPLACE FUNCTION \(namespace).sweep(retained bigint)
            RETURNS void LANGUAGE plpgsql
            SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $function$
            DECLARE
              s \(namespace).state;
              first_epoch bigint;
              first_offset bigint;
            BEGIN
              PERFORM pg_advisory_xact_lock(\(lock));
              SELECT * INTO s FROM \(namespace).state;
              SELECT epoch, "offset" INTO first_epoch, first_offset FROM \(namespace).log
                WHERE (epoch, "offset") > (s.floor_epoch, s.floor_offset) ORDER BY epoch, "offset" LIMIT 1;
              IF s.held > 0 AND (first_epoch IS NULL OR
                (first_offset > 1 AND (first_epoch, first_offset) <> (s.floor_epoch, s.floor_offset + 1)))
              THEN
                UPDATE \(namespace).state SET
                  floor_epoch = coalesce(first_epoch, s.epoch),
                  floor_offset = coalesce(first_offset - 1, s.last_offset),
                  held = (SELECT count(*) FROM \(namespace).log);
              END IF;
              PERFORM \(namespace).trim(retained, 10000);
              DELETE FROM \(namespace).key WHERE ctid = ANY (ARRAY(
                SELECT expired.ctid FROM \(namespace).key expired
                WHERE expired.time < clock_timestamp() - interval '\(Self.keyLifetime)' ORDER BY expired.time
                LIMIT 10000));
            END
            $function$;
        """
    }

    private static let keyLifetime = "5 minutes"
    /// 2025-01-01T00:00:00Z in seconds since 1970, where `Epoch` begins to count.
    private static let epochStart = 1_735_689_600
}
