package mongodb

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/location"
	"superheroes/internal/storage"
)

// Insert implements fight.Store. Insert returns once a majority of the servers have journaled the fight.
func (s *Fights) Insert(ctx context.Context, f fight.Fight, _ []byte) error {
	document := appendDocument(make([]byte, 0, usualSize), f)
	if s.group != nil {
		return s.group.Insert(ctx, f, document)
	}
	return s.write(ctx, []fight.Document{{ID: f.ID, Bytes: document}})[0]
}

// usualSize is a capacity in bytes that suffices for most documents.
const usualSize = 2048

// attempts limits how many times a document with an uncertain result is sent. The document keeps its id, so if the
// server reports a duplicate id after the first attempt, an earlier attempt has stored the fight.
const attempts = 3

// write stores a batch with one command, and resends documents whose result is uncertain.
func (s *Fights) write(ctx context.Context, batch []fight.Document) []error {
	o := outcomes{errs: make([]error, len(batch)), open: make([]int, len(batch))}
	for i := range batch {
		o.open[i] = i
	}
	var err error
	for range attempts {
		err = s.insert(ctx, batch, o.open)
		o.settle(err)
		if len(o.open) == 0 || ctx.Err() != nil {
			break
		}
	}
	for _, i := range o.open {
		o.errs[i] = fmt.Errorf("%w: %w", fight.ErrMaybeStored, trouble(err))
	}
	s.note(o.errs)
	return s.written.Record(o.errs)
}

// note records whether the server accepts writes, judging by the results of a batch.
func (s *Fights) note(errs []error) {
	for _, err := range errs {
		switch {
		case err == nil:
			if s.refusal.Load() != nil {
				s.refusal.Store(nil)
			}
			return
		case errors.Is(err, storage.ErrFull), errors.Is(err, storage.ErrSchema):
			s.refusal.Store(&err)
		}
	}
}

// insert sends the chosen documents of a batch, which are already encoded as BSON. The driver's InsertMany would scan
// each document again for its id.
func (s *Fights) insert(ctx context.Context, batch []fight.Document, chosen []int) error {
	size := 256 // more than enough for the command without its documents
	for _, i := range chosen {
		size += len(batch[i].Bytes) + 8 // the document's key and framing bytes
	}
	start, command := bsoncore.AppendDocumentStart(make([]byte, 0, size))
	command = bsoncore.AppendStringElement(command, "insert", collection)
	array, command := bsoncore.AppendArrayElementStart(command, "documents")
	for place, i := range chosen {
		command = bsoncore.AppendDocumentElement(command, strconv.Itoa(place), batch[i].Bytes)
	}
	command = endDocument(command, array)
	command = bsoncore.AppendBooleanElement(command, "ordered", false) // continue after a refused document
	concern, command := bsoncore.AppendDocumentElementStart(command, "writeConcern")
	command = bsoncore.AppendStringElement(command, "w", "majority")
	command = bsoncore.AppendBooleanElement(command, "j", true)
	command = endDocument(endDocument(command, concern), start)
	return s.fights.Database().RunCommand(ctx, bson.Raw(command)).Err()
}

// outcomes tracks what is known about the results of a batch.
type outcomes struct {
	errs    []error
	open    []int // indexes of the documents whose result is still uncertain
	inDoubt bool  // the documents with uncertain results have been sent before
}

// settle updates the outcomes with err, the result of sending the uncertain documents.
func (o *outcomes) settle(err error) {
	var answer mongo.WriteException
	switch {
	case err == nil:
		o.open = nil
		return
	case !o.inDoubt && (neverSent(err) || refused(err, len(o.open))):
		for _, i := range o.open {
			o.errs[i] = trouble(err)
		}
		o.open = nil
		return
	case errors.As(err, &answer):
		o.applyErrors(answer)
	}
	o.inDoubt = true
}

// applyErrors updates the outcomes with a response that lists refused documents. A write concern error applies to all
// other documents: each may or may not be stored.
func (o *outcomes) applyErrors(answer mongo.WriteException) {
	causes := make(map[int]error, len(answer.WriteErrors)) // keyed by position among the documents sent
	for _, each := range answer.WriteErrors {
		causes[each.Index] = each
	}
	var open []int
	for place, i := range o.open {
		cause := causes[place]
		switch {
		case cause != nil && !o.inDoubt:
			o.errs[i] = trouble(cause)
		case cause != nil && !mongo.IsDuplicateKeyError(cause), answer.WriteConcernError != nil:
			open = append(open, i)
		}
	}
	o.open = open
}

// appendDocument appends the BSON document of a fight, with the same fields as its JSON. The driver's encoder would
// take about twice as long (BenchmarkDocument).
func appendDocument(dst []byte, f fight.Fight) []byte {
	winner, loser := f.Sides()
	start, dst := bsoncore.AppendDocumentStart(dst)
	dst = bsoncore.AppendStringElement(dst, "_id", f.ID.String())
	dst = bsoncore.AppendTimeElement(dst, "fight_date", f.Date)
	dst = appendSide(dst, "winner", winner)
	dst = appendSide(dst, "loser", loser)
	dst = appendFighter(dst, "hero", f.Hero)
	dst = appendFighter(dst, "villain", f.Villain)
	if f.Location == nil {
		return endDocument(bsoncore.AppendNullElement(dst, "location"), start)
	}
	return endDocument(appendPlace(dst, "location", *f.Location), start)
}

func appendSide(dst []byte, role string, side fight.Side) []byte {
	dst = bsoncore.AppendStringElement(dst, role+"_name", side.Name)
	dst = bsoncore.AppendInt32Element(dst, role+"_level", side.Level)
	dst = bsoncore.AppendStringElement(dst, role+"_powers", side.Powers)
	dst = bsoncore.AppendStringElement(dst, role+"_picture", side.Picture)
	return bsoncore.AppendStringElement(dst, role+"_team", string(side.Team))
}

func appendFighter(dst []byte, key string, f character.Character) []byte {
	start, dst := bsoncore.AppendDocumentElementStart(dst, key)
	dst = bsoncore.AppendInt64Element(dst, "id", f.ID)
	dst = bsoncore.AppendStringElement(dst, "name", f.Name)
	dst = bsoncore.AppendStringElement(dst, "otherName", f.OtherName)
	dst = bsoncore.AppendInt32Element(dst, "level", f.Level)
	dst = bsoncore.AppendStringElement(dst, "picture", f.Picture)
	dst = bsoncore.AppendStringElement(dst, "powers", f.Powers)
	return endDocument(dst, start)
}

func appendPlace(dst []byte, key string, p location.Location) []byte {
	start, dst := bsoncore.AppendDocumentElementStart(dst, key)
	dst = bsoncore.AppendInt64Element(dst, "id", p.ID)
	dst = bsoncore.AppendStringElement(dst, "name", p.Name)
	dst = bsoncore.AppendStringElement(dst, "description", p.Description)
	dst = bsoncore.AppendStringElement(dst, "picture", p.Picture)
	dst = bsoncore.AppendStringElement(dst, "type", p.Type)
	return endDocument(dst, start)
}

// endDocument completes the document or array that begins at start.
func endDocument(dst []byte, start int32) []byte {
	dst = append(dst, 0)
	return bsoncore.UpdateLength(dst, start, int32(len(dst))-start)
}
