package main

// catalog's mutants: the catalogs with their stores, storage kinds, the file formats of import, and the settings of the command line.
var catalogMutants = []mutant{ //nolint:gochecknoglobals // a table, which nothing changes
	// Issue 12, section 2.
	{
		name:   "rows are loaded that no pick has paid for",
		guards: "eco reads no more rows than strict, however slow the table is",
		file:   "internal/catalog/load.go",
		old:    " && p.now() >= m.resume && p.credit.covers(min(m.missing, pageSize))",
		new:    " && p.now() >= m.resume",
		test:   "./internal/catalog",
		run:    "^TestEcoBesideStrict$/^300_rows",
	},
	{
		name:   "picks wait for the ids of a large table",
		guards: "eco is never slower than strict, and a pick waits for no row but its own",
		file:   "internal/catalog/picker.go",
		old:    "quickIDs = 10_000",
		new:    "quickIDs = 100_000",
		test:   "./internal/catalog",
		run:    "^TestLargeTable$/^no_pick_waits",
	},
	{
		name:   "a changed row stays in memory as it was",
		guards: "a change made here is applied to what is in memory, at once",
		file:   "internal/catalog/write.go",
		old: `		p.insert(id)
		if x, at, ok := p.slot(id); ok {
			p.put(x, at, newRow(*item, begin))
		}
`,
		new:  "\t\tp.insert(id)\n",
		test: "./internal/catalog",
		run:  "^TestWriteIsSeen$/^changes,_new_rows_and_deletions$",
	},
	{
		name:   "a renewal under way undoes a change made meanwhile",
		guards: "every pick that begins after a change made here sees it",
		file:   "internal/catalog/renew.go",
		old:    "if ids = p.edits.applied(ids, edited); !slices.Equal(ids, old.ids) {",
		new:    "if !slices.Equal(ids, old.ids) {",
		test:   "./internal/catalog",
		run:    "^TestWriteBesideReads$/^the_first_renewal$/^a_new_row$",
	},
	{
		name:   "a read with a stale plan is not repeated",
		guards: "nobody sees 'cached plan must not change result type': it is repeated once",
		file:   "internal/postgres/read.go",
		old:    "if (isStale(err) || isCanceled(err) && !isTimeLimit(err)) && mayRepeat() {",
		new:    "if isCanceled(err) && !isTimeLimit(err) && mayRepeat() {",
		test:   "./internal/postgres",
		run:    "^TestAlteredTable$/^cache_statement$",
	},
	{
		name:   "a statement canceled in another's place is not repeated",
		guards: "a cancellation meant for another statement is nobody's failure",
		file:   "internal/postgres/read.go",
		old:    "if (isStale(err) || isCanceled(err) && !isTimeLimit(err)) && mayRepeat() {",
		new:    "if isStale(err) && mayRepeat() {",
		test:   "./internal/postgres",
		run:    "^TestStrayCancellation$",
	},
	{
		name:   "readiness of SQLite does not read the table",
		guards: "readiness tells the truth: not ready when every request fails",
		file:   "internal/sqlite/catalog.go",
		old: `	if err := s.db.Ping(ctx); err != nil {
		return err
	}
	if _, err := s.Reader.Get(ctx, 0); !errors.Is(err, catalog.ErrNotFound) {
		return s.db.Trouble(err)
	}
	return nil
`,
		new:  "\treturn s.db.Ping(ctx)\n",
		test: "./internal/sqlite",
		run:  "^TestSQLiteRenamed$",
	},

	// Issue 12, section 3.
	{
		name:   "columns of text may have any type",
		guards: "a table of another shape is named at the start",
		file:   "internal/catalog/shape.go",
		old:    "case found[at].Kind != kind:",
		new:    "case kind == IntegerColumn && found[at].Kind != kind:",
		test:   "./internal/postgres",
		run:    "^TestTroubleAtTheStart$/^an_enumeration$",
	},
	{
		name:   "stored values outside the contract are served",
		guards: "a row with a value outside the contract is refused, naming its id",
		file:   "internal/catalog/row.go",
		old:    "err = unreadable(table, item, checkLimits(table, item))",
		new:    "err = unreadable(table, item, err)",
		test:   "./internal/catalog",
		run:    "^TestScanRow$/^a_level_below_0$",
	},
	{
		name:   "an identity column GENERATED ALWAYS refuses our ids",
		guards: "a new entry can be stored in a table with GENERATED ALWAYS",
		file:   "internal/postgres/write.go",
		old:    "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)",
		new:    "INSERT INTO %s (%s) VALUES (%s)",
		test:   "./internal/postgres",
		run:    "^TestIdentityAlways$",
	},
	{
		name:   "the check for PgBouncer's parameter is the wrong way round",
		guards: "through PgBouncer a start with the parameter works, one without names it",
		file:   "internal/postgres/connect.go",
		old:    "DefaultQueryExecMode != pgx.QueryExecModeCacheStatement",
		new:    "DefaultQueryExecMode == pgx.QueryExecModeCacheStatement",
		test:   "./internal/postgres",
		run:    "^TestPgBouncerWithoutItsParameter$",
	},
	{
		name:   "a MariaDB without TLS is no known failure",
		guards: "TLS to each store: a server that has none is reported as unavailable",
		file:   "internal/mariadb/error.go",
		old:    "errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, mysql.ErrNoTLS), ",
		new:    "errors.Is(err, mysql.ErrInvalidConn), ",
		test:   "./internal/mariadb",
		run:    "^TestClassify$/^no_TLS_there$",
	},
	{
		name:   "a secret keeps the carriage return of its file",
		guards: "every secret can be in a file, whatever line end an editor adds",
		file:   "cmd/superheroes/settings.go",
		old:    `strings.TrimRight(string(content), "\r\n")`,
		new:    `strings.TrimSuffix(string(content), "\n")`,
		test:   "./cmd/superheroes",
		run:    "^TestSecretFiles$",
	},
	{
		name:   "CSV with tabs is not recognized",
		guards: "import reads CSV with semicolons or tabs, as spreadsheets export it",
		file:   "internal/exchange/csv.go",
		old:    `",;\t"`,
		new:    `",;"`,
		test:   "./internal/exchange",
		run:    "^TestReadCSV$/^tabs$",
	},
	{
		name:   "a comma in a column's type begins another column",
		guards: "import reads what mariadb-dump and pg_dump write by default",
		file:   "internal/sqldump/sqldump.go",
		old:    "first = depth == 1",
		new:    "first = true",
		test:   "./internal/sqldump",
		run:    "^TestReadDumps$",
	},
	{
		name:   "a stray part of the admin token is shown",
		guards: "no secret is in any output, wherever it was put",
		file:   "cmd/superheroes/settings.go",
		old:    `strings.Contains(arg, "://") || strings.HasPrefix(arg, "--admin-token") || `,
		new:    `strings.Contains(arg, "://") || `,
		test:   "./cmd/superheroes",
		run:    "^TestNoSecretIsShown$/^where_it_does_not_belong$",
	},
	{
		name:   "an empty variable is taken for a value",
		guards: "an empty variable counts as unset, and no longer ends with exit code 2",
		file:   "cmd/superheroes/settings.go",
		old:    `if value == "" {`,
		new:    `if _, set := os.LookupEnv(flag.Envs[0]); !set && value == "" {`,
		test:   "./cmd/superheroes",
		run:    "^TestEmptyVariableCountsAsUnset$/^heroes_deadline$",
	},

	// Issue 13, section 1.
	{
		name:   "a client in a hurry cuts its read short",
		guards: "a read by key is finished, and costs no connection, whatever its client asked",
		file:   "internal/postgres/read.go",
		old:    "got, err = do(statement, conn)",
		new:    "got, err = do(ctx, conn)",
		test:   "./internal/postgres",
		run:    "^TestHastyClients$",
	},
	{
		name:   "a list out of time blames a store that answers",
		guards: "a long list or search that runs out of time is told from a store that does not answer",
		file:   "internal/catalog/unfinished.go",
		old:    "storage.KindOf(err) != nil",
		new:    "storage.KindOf(err) == nil",
		test:   "./internal/catalog",
		run:    "^TestListThatRunsOutOfTime$/^the_time_is_over$",
	},

	// Issue 13, section 2.
	{
		name:   "a batch of picks does not state its age",
		guards: "/api/*/picks says how old its oldest pick is, so that none is used after a second",
		file:   "internal/catalog/picker.go",
		old:    "if age = now - x.epoch.checked; age >= MaxAge {",
		new:    "if age = now - x.epoch.checked; age < MaxAge {",
		test:   "./internal/catalog",
		run:    "^TestRandomBatch$/^tells_how_old",
	},
	{
		name:   "a list that breaks off looks whole",
		guards: "a list that breaks off is recognizably incomplete, with gzip or without",
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
		run:  "^TestListWhoseStoreGoesAway$",
	},
}
