package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"superheroes/internal/statistics"
)

// Rebuild implements statistics.Store. It compares what is counted with the fights up to the last counted one, both as
// they were at one moment, and then adds the difference to what is there by then: sums can be added in any order, so it
// holds up nobody and is right whatever was counted meanwhile.
func (s *Statistics) Rebuild(ctx context.Context) (statistics.Report, error) {
	for {
		before, last, counted, recounted, err := s.recount(ctx)
		if err != nil {
			return statistics.Report{}, fmt.Errorf("counting anew: %w", s.db.Trouble(err))
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

// recount returns the statistics as they are kept and as the fights say, as of one moment. last is the number of the last
// counted fight that is there.
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

// correct adds the difference. The first fight's date is replaced if it still is the one that was wrong. Where the last
// counted fights were deleted, others get their numbers: counting goes on behind the last that is there.
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
