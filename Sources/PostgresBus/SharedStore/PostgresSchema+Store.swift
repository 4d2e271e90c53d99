extension PostgresSchema {
    /// - `store`: the entries of the store beside the bus. Keys are ordered by their bytes, in any database.
    var storeTable: String {
        """
            CREATE TABLE \(namespace).store (
              collection text COLLATE "C" NOT NULL,
              key text COLLATE "C" NOT NULL,
              value bytea NOT NULL,
              expires timestamptz NOT NULL,
              PRIMARY KEY (collection, key)
            ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
            CREATE INDEX store_expires ON \(namespace).store (expires);
        """
    }
}
