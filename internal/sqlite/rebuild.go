package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"superheroes/internal/statistics"
)

// Rebuild implements statistics.Store. It compares the totals with the counted fights in one snapshot, and then adds
// the difference to the current totals. Sums can be added in any order, so it blocks nobody and is correct whatever is
// counted in the meantime.
func (s *Statistics) Rebuild(ctx context.Context) (statistics.Report, error) {
	for {
		before, last, counted, recounted, err := s.recount(ctx)
		if err != nil {
			return statistics.Report{}, fmt.Errorf("recounting: %w", s.db.Trouble(err))
		}
		report := statistics.ReportOn(counted, recounted)
		if !report.Differed() && last == before.counted {
			return report, nil
		}
		err = s.correct(ctx, before, last, counted, recounted)
		if errors.Is(err, errMoved) { // by another rebuild
			continue
		}
		return report, err
	}
}

// recount returns the stored and the recounted statistics in one snapshot. last is the number of the last counted fight
// that still exists.
func (s *Statistics) recount(ctx context.Context) (before sums, last int64, counted, recounted *statistics.Tally, err error) {
	tx, err := s.db.Reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return before, 0, nil, nil, err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	if before, err = readSums(ctx, tx); err != nil {
		return before, 0, nil, nil, err
	}
	if counted, err = readTally(ctx, tx, before); err != nil {
		return before, 0, nil, nil, err
	}
	recounted = statistics.NewTally()
	last, _, err = addFights(ctx, tx, recounted, "WHERE number <= ? ORDER BY number", before.counted)
	return before, last, counted, recounted, err
}

func readTally(ctx context.Context, tx *sql.Tx, of sums) (*statistics.Tally, error) {
	tally := statistics.NewTally()
	tally.Sums, tally.Since = of.Sums, of.since
	err := each(ctx, tx, "SELECT name, team, wins FROM statistics_winner", func(rows *sql.Rows) error {
		var winner statistics.Winner
		err := rows.Scan(&winner.Name, &winner.Team, &winner.Wins)
		tally.Winners[statistics.Fighter{Name: winner.Name, Team: winner.Team}] = winner.Wins
		return err
	})
	if err != nil {
		return nil, err
	}
	return tally, each(ctx, tx, "SELECT name, fights FROM statistics_place", func(rows *sql.Rows) error {
		var place statistics.Place
		err := rows.Scan(&place.Name, &place.Fights)
		tally.Places[place.Name] = place.Fights
		return err
	})
}

// correct adds the difference. The earliest date is replaced if it is still the wrong one. If the last counted fights
// were deleted, their numbers will be reused, so counting continues after the last one that exists.
func (s *Statistics) correct(ctx context.Context, before sums, last int64, counted, recounted *statistics.Tally) error {
	return s.write(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, "UPDATE statistics SET since = ? WHERE since IS ? AND corrections = ?",
			moment(recounted.Since), moment(before.since), before.corrections)
		if err != nil {
			return err
		}
		_, err = conn.ExecContext(ctx, "UPDATE statistics SET counted = ? WHERE counted = ? AND corrections = ?",
			last, before.counted, before.corrections)
		if err != nil {
			return err
		}
		difference := recounted.Minus(counted)
		difference.Since = recounted.Since
		if _, err := addSums(ctx, conn, difference, "corrections = ?", before.corrections+1, before.corrections); err != nil {
			return err
		}
		return addParts(ctx, conn, difference)
	})
}
