package find

import (
	"context"

	"superheroes/test/engines"
)

// kind describes a kind of database server, and all ways to provide a server of this kind.
type kind struct {
	name     string
	variable string // environment variable that contains the URL of a running server
	binary   string // environment variable for the path of the program, which tests use to start their own server
	ping     func(ctx context.Context, url string) (version string, err error)
	programs programs
	start    func(ctx context.Context, program string) (*engines.Server, error)
	image    image
	packages packages
	remedy   string
}

func postgresKind() kind {
	return kind{
		name:     "PostgreSQL",
		variable: engines.PostgresURL,
		binary:   engines.PostgresBin,
		ping:     engines.PingPostgres,
		programs: programs{
			names: []string{"initdb", "postgres"},
			folders: []string{
				"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/local/bin",
				"/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
			},
			wantFolder: true,
		},
		start: engines.StartPostgres,
		image: image{
			name: "postgres:16", port: 5432, env: []string{"POSTGRES_PASSWORD=superheroes"},
			args: []string{"-c", "max_connections=500"},
			url:  "postgres://postgres:superheroes@%s/postgres",
		},
		packages: packages{"postgresql"},
		remedy:   "install PostgreSQL (Debian: apt-get install postgresql), start Docker, or set " + engines.PostgresURL,
	}
}

func mariadbKind() kind {
	return kind{
		name:     "MariaDB",
		variable: engines.MySQLURL,
		binary:   engines.MariaDBBin,
		ping:     engines.PingMySQL,
		programs: programs{
			names: []string{"mariadbd"},
			folders: []string{
				"/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/usr/libexec", "/usr/local/mysql/bin",
				"/opt/homebrew/opt/mariadb*/bin", "/usr/local/opt/mariadb*/bin",
			},
		},
		start: engines.StartMariaDB,
		image: image{
			name: "mariadb:11.5", port: 3306, env: []string{"MARIADB_ROOT_PASSWORD=superheroes"},
			args: []string{"--max-connections=200"},
			url:  "mysql://root:superheroes@%s/",
		},
		// The "core" packages contain the server programs, but don't create or start a server instance.
		packages: packages{"mariadb-server-core", "mariadb-client-core"},
		remedy:   "install MariaDB (Debian: apt-get install mariadb-server), start Docker, or set " + engines.MySQLURL,
	}
}

func mongodbKind() kind {
	return kind{
		name:     "MongoDB",
		variable: engines.MongoDBURL,
		binary:   engines.MongodBin,
		ping:     engines.PingMongoDB,
		programs: programs{
			names: []string{"mongod"},
			folders: []string{
				"/usr/bin", "/usr/local/bin",
				"/opt/homebrew/opt/mongodb-community*/bin", "/usr/local/opt/mongodb-community*/bin",
			},
		},
		start:  engines.StartMongoDB,
		image:  image{name: "mongo:7.0", port: 27017, url: "mongodb://%s/"},
		remedy: "install MongoDB, start Docker, or set " + engines.MongoDBURL,
	}
}
