package sendoff_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestGeneratedFilesAreWhatSWIGMakes(t *testing.T) {
	folder := t.TempDir()
	if output, err := exec.Command("./generate", folder).CombinedOutput(); err != nil {
		t.Fatalf("generate: %v: %s", err, output)
	}
	for _, name := range []string{"native.go", "native_wrap.c"} {
		made, err := os.ReadFile(filepath.Join(folder, name))
		must(t, err)
		committed, err := os.ReadFile(filepath.Join("internal", "native", name))
		must(t, err)
		if string(made) != string(committed) {
			t.Errorf("internal/native/%s is not what bindings/go/generate makes: run it", name)
		}
	}
}
