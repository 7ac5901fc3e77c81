// Package image writes container images from files, without a container engine, as an archive that containerd imports.
package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
)

// Image is an image with a single layer.
type Image struct {
	Name       string // full name, such as docker.io/library/a:b
	Files      []File
	Env        []string
	User       string
	Entrypoint []string
	Cmd        []string
}

// File is a file in an image: a copy of Source, a symbolic link to Link, or an empty folder if it has neither.
type File struct {
	Path   string // without a leading slash
	Source string
	Link   string
	Owner  int
}

// Media types and annotations of the Open Container Initiative's image format.
const (
	typeLayer    = "application/vnd.oci.image.layer.v1.tar"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	nameKey      = "io.containerd.image.name"
)

// descriptor refers to a blob in the archive.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Write writes an archive of images in the OCI's layout.
func Write(out io.Writer, images ...Image) error {
	archive := tar.NewWriter(out)
	index := map[string]any{"schemaVersion": 2, "mediaType": typeIndex}
	var manifests []descriptor
	for _, image := range images {
		manifest, err := image.write(archive)
		if err != nil {
			return fmt.Errorf("image %s: %w", image.Name, err)
		}
		manifest.Annotations = map[string]string{nameKey: image.Name}
		manifests = append(manifests, manifest)
	}
	index["manifests"] = manifests
	if err := addJSON(archive, "index.json", index); err != nil {
		return err
	}
	if err := addJSON(archive, "oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"}); err != nil {
		return err
	}
	return archive.Close()
}

// write adds the image's blobs to the archive, and returns a descriptor of its manifest.
func (i Image) write(archive *tar.Writer) (descriptor, error) {
	content, err := i.layer()
	if err != nil {
		return descriptor{}, err
	}
	layer, err := addBlob(archive, typeLayer, content)
	if err != nil {
		return descriptor{}, err
	}
	config, err := addJSONBlob(archive, typeConfig, map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config":       map[string]any{"User": i.User, "Env": i.Env, "Entrypoint": i.Entrypoint, "Cmd": i.Cmd},
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{layer.Digest}},
	})
	if err != nil {
		return descriptor{}, err
	}
	return addJSONBlob(archive, typeManifest, map[string]any{
		"schemaVersion": 2, "mediaType": typeManifest, "config": config, "layers": []descriptor{layer},
	})
}

// layer returns the files as a tar archive.
func (i Image) layer() ([]byte, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	for _, file := range i.Files {
		if err := file.write(archive); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return content.Bytes(), err
}

func (f File) write(archive *tar.Writer) error {
	header := &tar.Header{Name: f.Path, Uid: f.Owner, Gid: f.Owner, Mode: 0o755, Typeflag: tar.TypeReg}
	switch {
	case f.Link != "":
		header.Typeflag, header.Linkname = tar.TypeSymlink, f.Link
	case f.Source == "":
		header.Typeflag, header.Name = tar.TypeDir, f.Path+"/"
	}
	var content []byte
	if f.Source != "" {
		var err error
		if content, err = os.ReadFile(f.Source); err != nil {
			return err
		}
	}
	header.Size = int64(len(content))
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

// addBlob adds content to the archive under the name of its digest.
func addBlob(archive *tar.Writer, mediaType string, content []byte) (descriptor, error) {
	sum := sha256.Sum256(content)
	digest := hex.EncodeToString(sum[:])
	err := addFile(archive, "blobs/sha256/"+digest, content)
	return descriptor{MediaType: mediaType, Digest: "sha256:" + digest, Size: len(content)}, err
}

func addJSONBlob(archive *tar.Writer, mediaType string, value any) (descriptor, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return descriptor{}, err
	}
	return addBlob(archive, mediaType, text)
}

func addJSON(archive *tar.Writer, name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return addFile(archive, name, text)
}

func addFile(archive *tar.Writer, name string, content []byte) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}
