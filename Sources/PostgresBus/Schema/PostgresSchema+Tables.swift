extension PostgresSchema {
    /// - `state`, one row: the run that the current epoch was written in; the log's end; the last position before the epoch; the position
    ///   after which everything is held; how many alerts that are. Its pages are left half empty, so that each update finds room on its own.
    /// - `log`: the alerts. `body` is the alert's JSON, `key` its idempotency key, `healed_*` the position that it had before it was lost, `prev_*` at an
    ///   epoch's first alert the log's last position before.
    /// - `key`: the idempotency keys of the last five minutes: the topic, a zero byte and the key, or, where the key is longer than 100 bytes, a zero byte
    ///   and the digest of that, since an index takes no long ones. A table of its own, not an index on the log, because the log's
    ///   retention may be shorter.
    /// - `subscription`: the VMs.
    ///
    /// Rows leave as fast as they come, so dead ones are cleared by number and not by share.
    var tables: String {
        """
            CREATE TABLE \(namespace).state (
              singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
              run text NOT NULL,
              epoch bigint NOT NULL,
              last_offset bigint NOT NULL,
              prev_epoch bigint NOT NULL,
              prev_offset bigint NOT NULL,
              floor_epoch bigint NOT NULL,
              floor_offset bigint NOT NULL,
              held bigint NOT NULL
            ) WITH (fillfactor = 50);

            CREATE TABLE \(namespace).log (
              epoch bigint NOT NULL,
              "offset" bigint NOT NULL,
              time timestamptz NOT NULL,
              body bytea NOT NULL,
              key bytea,
              healed_epoch bigint,
              healed_offset bigint,
              prev_epoch bigint,
              prev_offset bigint,
              PRIMARY KEY (epoch, "offset")
            ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
            CREATE UNIQUE INDEX log_healed ON \(namespace).log (healed_epoch, healed_offset)
              WHERE healed_epoch IS NOT NULL;

            CREATE TABLE \(namespace).key (
              epoch bigint NOT NULL,
              "offset" bigint NOT NULL,
              time timestamptz NOT NULL,
              id bytea PRIMARY KEY
            ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
            CREATE INDEX key_time ON \(namespace).key (time);

            CREATE TABLE \(namespace).subscription (
              name text PRIMARY KEY,
              vm text NOT NULL,
              boot text NOT NULL,
              region text NOT NULL,
              sockets bigint NOT NULL,
              position_epoch bigint NOT NULL,
              position_offset bigint NOT NULL,
              since timestamptz NOT NULL,
              seen timestamptz NOT NULL
            ) WITH (fillfactor = 50);
        """
    }
}
