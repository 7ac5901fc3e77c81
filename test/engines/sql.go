package engines

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver for PostgreSQL
)

// createSQL creates a database, which the statement drop drops again.
func createSQL(ctx context.Context, server, name, drop string) (string, func(context.Context) error, error) {
	database, err := withDatabase(server, name)
	if err != nil {
		return "", nil, err
	}
	if err := execSQL(ctx, server, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	return database, func(ctx context.Context) error { return execSQL(ctx, server, drop) }, nil
}

func execSQL(ctx context.Context, server, statement string) error {
	db, err := openSQL(server)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// query returns the result of a query for one text.
func query(ctx context.Context, server, statement string) (text string, err error) {
	db, err := openSQL(server)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRowContext(ctx, statement).Scan(&text); err != nil {
		return "", fmt.Errorf("%s: %w", statement, err)
	}
	return text, nil
}

// openSQL prepares connections to the server at a postgres:// or mysql:// URL.
func openSQL(server string) (*sql.DB, error) {
	if strings.HasPrefix(server, "postgres") {
		return sql.Open("pgx", server)
	}
	config, err := mysqlConfig(server)
	if err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, fmt.Errorf("preparing connections to %s: %w", config.Addr, err)
	}
	return sql.OpenDB(connector), nil
}

// mysqlConfig parses a mysql:// URL. The default port is 3306.
func mysqlConfig(raw string) (*mysql.Config, error) {
	location, err := url.Parse(raw)
	if err != nil || location.Scheme != "mysql" || location.Hostname() == "" {
		// The URL isn't shown, as it contains a password.
		return nil, fmt.Errorf("want mysql://user:password@host:port/database in %s", MySQLURL)
	}
	port := location.Port()
	if port == "" {
		port = "3306"
	}
	config := mysql.NewConfig()
	config.Net = "tcp"
	config.Addr = net.JoinHostPort(location.Hostname(), port)
	config.User = location.User.Username()
	config.Passwd, _ = location.User.Password()
	config.DBName = strings.TrimPrefix(location.Path, "/")
	config.Logger = &mysql.NopLogger{} // a server that isn't up yet is expected
	return config, nil
}
