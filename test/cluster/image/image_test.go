package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrite follows an archive from the index to the files, and checks each digest and size on the way. Whether containerd
// accepts such an archive is tested by make cluster-test.
func TestWrite(t *testing.T) {
	t.Parallel()
	source := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(source, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	files := []File{{Path: "program", Source: source}, {Path: "data", Owner: 65532}, {Path: "bin/sh", Link: "/program"}}
	var archive bytes.Buffer
	err := Write(&archive, Image{Name: "docker.io/library/a:b", Files: files, User: "1:1", Entrypoint: []string{"/program"}}, Image{Name: "empty"})
	if err != nil {
		t.Fatal(err)
	}
	blobs := untar(t, &archive)
	var index struct{ Manifests []descriptor }
	parse(t, blobs["index.json"], &index)
	if len(index.Manifests) != 2 || index.Manifests[0].Annotations[nameKey] != "docker.io/library/a:b" || blobs["oci-layout"] == "" {
		t.Fatalf("the index is %s", blobs["index.json"])
	}
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	parse(t, blob(t, blobs, index.Manifests[0]), &manifest)
	var config struct {
		Config struct {
			User       string
			Entrypoint []string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	parse(t, blob(t, blobs, manifest.Config), &config)
	if config.Config.User != "1:1" || config.Config.Entrypoint[0] != "/program" || config.RootFS.DiffIDs[0] != manifest.Layers[0].Digest {
		t.Errorf("the configuration is %+v", config)
	}
	layer := untar(t, strings.NewReader(blob(t, blobs, manifest.Layers[0])))
	if got := fmt.Sprint(layer); got != "map[bin/sh:-> /program data/:owned by 65532 program:content]" {
		t.Error(got)
	}
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	err := Write(io.Discard, Image{Name: "broken", Files: []File{{Path: "a", Source: filepath.Join(t.TempDir(), "missing")}}})
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v, want an error with the image's name", err)
	}
}

// untar returns the contents of an archive: of files, their content; of links, their target; of folders, their owner.
func untar(t *testing.T, archive io.Reader) map[string]string {
	t.Helper()
	files := map[string]string{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		switch header.Typeflag {
		case tar.TypeSymlink:
			content = []byte("-> " + header.Linkname)
		case tar.TypeDir:
			content = fmt.Appendf(nil, "owned by %d", header.Uid)
		}
		files[header.Name] = string(content)
	}
}

// blob returns the content that a descriptor refers to.
func blob(t *testing.T, blobs map[string]string, d descriptor) string {
	t.Helper()
	content, exists := blobs["blobs/"+strings.Replace(d.Digest, ":", "/", 1)]
	if sum := sha256.Sum256([]byte(content)); !exists || d.Size != len(content) || d.Digest != fmt.Sprintf("sha256:%x", sum) {
		t.Fatalf("%+v describes %q", d, content)
	}
	return content
}

func parse(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}
