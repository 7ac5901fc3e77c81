package main

// catalogMutants contains faults in the catalogs, their stores, the import formats and the command-line settings.
var catalogMutants = []mutant{ //nolint:gochecknoglobals // a table, which nothing changes
	// Issue 12, section 2.
	{
		name:   "rows are preloaded even if picks from memory have not yet saved that many reads",
		guards: "the eco profile never reads more rows than strict, even if the table is slow",
		file:   "internal/catalog/load.go",
		old:    " && s.now() >= m.resume && s.credit.Load() >= int64(min(m.missing, pageSize))",
		new:    " && s.now() >= m.resume",
		test:   "./internal/catalog",
		run:    "^TestEcoBesideStrict$/^300_rows",
	},
	{
		name:   "picks wait until the ids of a large table have been read",
		guards: "the eco profile is never slower than strict, and a pick never waits for other rows",
		file:   "internal/catalog/service.go",
		old:    "quickIDs = 10_000",
		new:    "quickIDs = 100_000",
		test:   "./internal/catalog",
		run:    "^TestLargeTable$/^no_pick_waits",
	},
	{
		name:   "a changed row is not updated in memory",
		guards: "a change made in this process is immediately applied to the rows in memory",
		file:   "internal/catalog/write.go",
		old: `		s.insert(id)
		if x, at, ok := s.slot(id); ok {
			s.put(x, at, newRow(*item, begin))
		}
`,
		new:  "\t\ts.insert(id)\n",
		test: "./internal/catalog",
		run:  "^TestWriteIsSeen$/^changes,_new_rows_and_deletions$",
	},
	{
		name:   "a change is lost when the ids in memory are reread concurrently",
		guards: "every pick that starts after a change in the same process sees that change",
		file:   "internal/catalog/renew.go",
		old:    "if ids = s.edits.applied(ids, edited); !slices.Equal(ids, old.ids) {",
		new:    "if !slices.Equal(ids, old.ids) {",
		test:   "./internal/catalog",
		run:    "^TestWriteBesideReads$/^the_first_renewal$/^a_new_row$",
	},
	{
		name:   "a read with a stale plan is not retried",
		guards: "clients never see 'cached plan must not change result type': the read is retried once",
		file:   "internal/postgres/read.go",
		old:    "if (isStale(err) || isCanceled(err) && !isTimeLimit(err)) && mayRepeat() {",
		new:    "if isCanceled(err) && !isTimeLimit(err) && mayRepeat() {",
		test:   "./internal/postgres",
		run:    "^TestAlteredTable$/^cache_statement$",
	},
	{
		name:   "a statement that was canceled by mistake is not retried",
		guards: "a statement that the database cancels by mistake doesn't fail a request",
		file:   "internal/postgres/read.go",
		old:    "if (isStale(err) || isCanceled(err) && !isTimeLimit(err)) && mayRepeat() {",
		new:    "if isStale(err) && mayRepeat() {",
		test:   "./internal/postgres",
		run:    "^TestStrayCancellation$",
	},
	{
		name:   "the readiness check of SQLite does not read the table",
		guards: "readiness is accurate: a service is not ready if every request fails",
		file:   "internal/sqlite/catalog.go",
		old:    `s.db.ping(ctx, "SELECT "+s.Table.SelectList()+" FROM "+s.Table.Name+" WHERE id = 0")`,
		new:    "s.db.ping(ctx)",
		test:   "./internal/sqlite",
		run:    "^TestSQLiteRenamed$",
	},

	// Issue 12, section 3.
	{
		name:   "the type of a column that must contain text is not checked",
		guards: "a table with the wrong columns is reported at startup",
		file:   "internal/catalog/table.go",
		old:    "case found[at].Kind != kind:",
		new:    "case kind == IntegerColumn && found[at].Kind != kind:",
		test:   "./internal/postgres",
		run:    "^TestTroubleAtTheStart$/^an_enumeration$",
	},
	{
		name:   "stored values that violate the contract are served",
		guards: "a stored row with an invalid value causes an error that contains the row's id",
		file:   "internal/catalog/row.go",
		old:    "err = unreadable(table, item, checkLimits(table, item))",
		new:    "err = unreadable(table, item, err)",
		test:   "./internal/catalog",
		run:    "^TestScanRow$/^a_level_below_0$",
	},
	{
		name:   "explicit ids can't be inserted into a GENERATED ALWAYS identity column",
		guards: "a new entry can be stored in a table whose id column is GENERATED ALWAYS",
		file:   "internal/postgres/write.go",
		old:    "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)",
		new:    "INSERT INTO %s (%s) VALUES (%s)",
		test:   "./internal/postgres",
		run:    "^TestIdentityAlways$",
	},
	{
		name:   "the check for the parameter that PgBouncer requires is inverted",
		guards: "behind PgBouncer, a service starts if its URL has the required parameter; otherwise, the error names that",
		file:   "internal/postgres/connect.go",
		old:    "DefaultQueryExecMode != pgx.QueryExecModeCacheStatement",
		new:    "DefaultQueryExecMode == pgx.QueryExecModeCacheStatement",
		test:   "./internal/postgres",
		run:    "^TestPgBouncerWithoutItsParameter$",
	},
	{
		name:   "idle connections to MariaDB are used without checking that they are still open",
		guards: "a connection that the server has closed is replaced before it is used",
		file:   "internal/mariadb/dial.go",
		old:    "if !c.StillOpen() {",
		new:    "if false {",
		test:   "./internal/mariadb",
		run:    "^TestMySQLClosesIdleConnections$",
	},
	{
		name:   "the error for a MariaDB server without TLS is not classified",
		guards: "if the URL requires TLS, a server without TLS is reported as unavailable",
		file:   "internal/mariadb/error.go",
		old:    "errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, mysql.ErrNoTLS), ",
		new:    "errors.Is(err, mysql.ErrInvalidConn), ",
		test:   "./internal/mariadb",
		run:    "^TestClassify$/^no_TLS_there$",
	},
	{
		name:   "a secret read from a file keeps a carriage return at the end",
		guards: "every secret can be read from a file, regardless of the file's line endings",
		file:   "cmd/superheroes/settings.go",
		old:    `strings.TrimRight(string(content), "\r\n")`,
		new:    `strings.TrimSuffix(string(content), "\n")`,
		test:   "./cmd/superheroes",
		run:    "^TestSecretFiles$",
	},
	{
		name:   "tab-separated CSV files are not recognized",
		guards: "import reads CSV with semicolons or tabs, as spreadsheets export it",
		file:   "internal/exchange/csv.go",
		old:    `",;\t"`,
		new:    `",;"`,
		test:   "./internal/exchange",
		run:    "^TestReadCSV$/^tabs$",
	},
	{
		name:   "the SQL parser treats a comma in a column's type as the end of the column",
		guards: "import reads the default output of mariadb-dump and pg_dump",
		file:   "internal/exchange/sqlscan.go",
		old:    "depth == 0 && strings.IndexByte(stops, b) >= 0",
		new:    "strings.IndexByte(stops, b) >= 0",
		test:   "./internal/exchange",
		run:    "^TestReadDumps$",
	},
	{
		name:   "an error message reveals an admin token that was misplaced on the command line",
		guards: "no output contains a secret, however the secret was specified",
		file:   "cmd/superheroes/settings.go",
		old:    `strings.Contains(arg, "://") || strings.HasPrefix(arg, "--admin-token") ||`,
		new:    `strings.Contains(arg, "://") ||`,
		test:   "./cmd/superheroes",
		run:    "^TestNoSecretIsShown$/^a_URL_in_place_of_another_argument$",
	},
	{
		name:   "an empty environment variable counts as set",
		guards: "an empty environment variable counts as unset and doesn't cause exit code 2",
		file:   "cmd/superheroes/settings.go",
		old:    `if value == "" {`,
		new:    `if _, set := os.LookupEnv(flag.Envs[0]); !set && value == "" {`,
		test:   "./cmd/superheroes",
		run:    "^TestEmptyVariableCountsAsUnset$/^heroes$",
	},

	// Issue 13, section 1.
	{
		name:   "a client that gives up cancels its read in the database",
		guards: "a read by key completes regardless of its client's deadline, so that the connection can be reused",
		file:   "internal/postgres/read.go",
		old:    "got, err = do(statement, conn)",
		new:    "got, err = do(ctx, conn)",
		test:   "./internal/postgres",
		run:    "^TestHastyClients$",
	},
	{
		name:   "the error for a list that times out blames the store even though the store responds",
		guards: "a long list or search that times out is distinguished from a store that does not respond",
		file:   "internal/catalog/list.go",
		old:    "storage.KindOf(err) != nil",
		new:    "storage.KindOf(err) == nil",
		test:   "./internal/catalog",
		run:    "^TestListThatRunsOutOfTime$/^the_deadline_has_passed$",
	},

	// Issue 13, section 2.
	{
		name:   "a batch of picks does not report its age",
		guards: "/api/*/picks reports the age of its oldest pick, so that none is used after a second",
		file:   "internal/catalog/service.go",
		old:    "if age = now - x.epoch.checked; age >= MaxAge {",
		new:    "if age = now - x.epoch.checked; age < MaxAge {",
		test:   "./internal/catalog",
		run:    "^TestRandomBatch$/^a_batch_has_the_age",
	},
	{
		name:   "a truncated list looks complete to the client",
		guards: "a truncated list is recognizably incomplete, with or without gzip",
		file:   "internal/web/catalog.go",
		old: `			return catalogProblem(s.Kind.Singular, err)
		}
		for _, item := range page {
`,
		new: `			break
		}
		for _, item := range page {
`,
		test: "./internal/web",
		run:  "^TestListWhenStoreFails$",
	},
}
