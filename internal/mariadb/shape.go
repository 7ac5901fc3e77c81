package mariadb

import (
	"context"
	"strings"

	"superheroes/internal/catalog"
	"superheroes/internal/storage"
)

// checkShape returns an error that lists all missing and unsuitable columns of the table in one line. It also reports
// whether the id is AUTO_INCREMENT.
func (s *Catalog[T]) checkShape(ctx context.Context) (givesIDs bool, err error) {
	rows, err := s.db.QueryContext(ctx, pingLock+`SELECT LOWER(column_name), column_type, LOWER(data_type), LOWER(extra)
		FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?`, s.Table.Name)
	if err != nil {
		return false, err
	}
	defer func() { _ = rows.Close() }() // rows.Err reports any error that matters
	var found []catalog.FoundColumn
	for rows.Next() {
		var column catalog.FoundColumn
		var dataType, extra string
		if err := rows.Scan(&column.Name, &column.Type, &dataType, &extra); err != nil {
			return false, err
		}
		column.Kind = kindOfColumn(dataType)
		found = append(found, column)
		givesIDs = givesIDs || column.Name == "id" && strings.Contains(extra, "auto_increment")
	}
	if err := rows.Err(); err != nil {
		return false, err
	}
	if len(found) == 0 {
		// The table is missing, is hidden from this user or can't be opened: the server's error says which.
		if _, err := s.db.ExecContext(ctx, pingLock+"SELECT 1 FROM "+s.Table.Name+" LIMIT 0"); err != nil {
			return false, err
		}
		return false, storage.Errorf(storage.ErrSchema, "the columns of table %s are not visible to this user", s.Table.Name)
	}
	return givesIDs, s.Table.CheckColumns(found)
}

// kindOfColumn returns the kind of field into which a column of the given SQL type can be read without loss.
func kindOfColumn(dataType string) catalog.ColumnKind {
	switch dataType {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return catalog.IntegerColumn
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set",
		"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return catalog.TextColumn
	}
	return catalog.OtherColumn
}
