package httpserver

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// heroes returns a list of about the given size that compresses like a real list of heroes.
func heroes(size int) []byte {
	powers := []string{"Telekinesis", "Foresight", "Flight", "Super Strength", "Shapeshifting", "Invisibility", "Levitation"}
	dice, list := rand.New(rand.NewPCG(1, 2)), []byte{'['}
	for id := 1; len(list) < size; id++ {
		list = fmt.Appendf(list, `{"id":%d,"name":"%x","otherName":"","level":%d,"picture":"/api/heroes/%[1]d/picture.svg","powers":"`,
			id, dice.Uint64(), dice.IntN(300000))
		for range 20 {
			list = append(list, powers[dice.IntN(len(powers))]+", "...)
		}
		list = append(list, `"},`...)
	}
	return append(list[:len(list)-1], ']')
}

// holdAll takes every deflater until the returned function is called.
func (c *Compressor) holdAll() (release func()) {
	var held []*flate.Writer
	for d := c.take(); d != nil && len(held) < 100; d = c.take() { // more deflaters than any test machine allows
		held = append(held, d)
	}
	return func() {
		for _, d := range held {
			c.put(d)
		}
	}
}

// unzip decompresses as much as it can. The error is nil only if the gzip trailer is present and nothing follows it.
func unzip(zipped []byte) (text []byte, err error) {
	rest := bytes.NewReader(zipped)
	reader, err := gzip.NewReader(rest)
	if err != nil {
		return nil, err
	}
	reader.Multistream(false)
	text, err = io.ReadAll(reader)
	if err == nil && rest.Len() > 0 {
		err = errors.New("unexpected data after the trailer")
	}
	return text, err
}

// Any sequence of parts decompresses to the original text, even if no deflater is free for some of the parts.
func TestGzipText(t *testing.T) {
	text := heroes(300 << 10)
	for _, cuts := range [][]int{{}, {0}, {1}, {1 << 16}, {1<<16 - 1}, {100, 100, 70_000, 250_000}} {
		for busy := range 1 << (len(cuts) + 1) {
			compressor := &Compressor{}
			zip := gzipText{compressor: compressor}
			out, from := zip.begin(nil), 0
			for i, to := range append(cuts, len(text)) {
				release := func() {}
				if busy>>i&1 == 1 {
					release = compressor.holdAll()
				}
				out, from = zip.part(out, text[from:to]), to
				release()
			}
			if got, err := unzip(zip.end(out)); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("cut at %v, busy %b: decompressed %d bytes of %d: %v", cuts, busy, len(got), len(text), err)
			}
			if busy == 0 && len(out) > len(text)/3 {
				t.Errorf("cut at %v: compressed %[3]d bytes to %[2]d, want at most a third", cuts, len(out), len(text))
			}
		}
	}
}

// The number of deflaters in use never exceeds half the number of processors.
func TestCompressorIsBounded(t *testing.T) {
	compressor, text := &Compressor{}, heroes(100<<10)
	release := compressor.holdAll()
	if got, want := compressor.busy.Load(), max(1, runtime.GOMAXPROCS(0)/2); int(got) != want || !compressor.full() {
		t.Errorf("%d deflaters are in use, want %d", got, want)
	}
	release()
	if compressor.busy.Load() != 0 || compressor.full() {
		t.Errorf("%d deflaters are in use after all were released", compressor.busy.Load())
	}
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 10 {
				zip := gzipText{compressor: compressor}
				out := zip.begin(nil)
				for part := text; len(part) > 0; part = part[min(len(part), 30_000):] {
					out = zip.part(out, part[:min(len(part), 30_000)])
				}
				if got, err := unzip(zip.end(out)); err != nil || !bytes.Equal(got, text) {
					t.Errorf("decompressed %d bytes of %d: %v", len(got), len(text), err)
				}
			}
		})
	}
	group.Wait()
	if compressor.busy.Load() != 0 {
		t.Errorf("%d deflaters were not released", compressor.busy.Load())
	}
}

// BenchmarkGzip measures the cost of compressing a list in parts of the size that a catalog sends.
func BenchmarkGzip(b *testing.B) {
	for _, size := range []int{2 << 10, 32 << 10, 2 << 20} {
		text, out := heroes(size), []byte(nil)
		b.Run(strconv.Itoa(size>>10)+"KiB", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			compressor := &Compressor{}
			for b.Loop() {
				zip := gzipText{compressor: compressor}
				out = zip.begin(out[:0])
				for part := text; len(part) > 0; part = part[min(len(part), 128<<10):] {
					out = zip.part(out, part[:min(len(part), 128<<10)])
				}
				out = zip.end(out)
			}
			b.ReportMetric(float64(len(text))/float64(len(out)), "times-smaller")
		})
	}
}
