package sendoff_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// goCommand runs Go in a folder, and returns what it printed.
func goCommand(t *testing.T, folder string, environment []string, arguments ...string) string {
	t.Helper()
	command := exec.Command("go", arguments...)
	command.Dir, command.Env = folder, append(os.Environ(), environment...)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v: %s", strings.Join(arguments, " "), err, output)
	}
	return string(output)
}

func TestSamplesRun(t *testing.T) {
	folder, broker := t.TempDir(), embedded(t)
	goCommand(t, ".", nil, "build", "-o", folder+"/", "./samples/...")
	run := func(name string, arguments ...string) string {
		t.Helper()
		output, err := exec.Command(filepath.Join(folder, name), append([]string{broker}, arguments...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, output)
		}
		return string(output)
	}
	if output := run("hello"); !strings.HasPrefix(output, "partition ") {
		t.Errorf("hello printed %q", output)
	}
	topic := newTopic()
	if output := run("keyed", topic); strings.Count(output, "delivered: offset ") != 2 {
		t.Errorf("keyed printed %q", output)
	}
	lines := strings.Join(consume(t, broker, topic, "%k %S %T %h"), "\n")
	if !strings.Contains(lines, "order-1 16 1767323045000 trace=4bf92f35") || !strings.Contains(lines, "order-2 -1 ") {
		t.Errorf("keyed sent %q", lines)
	}
	t.Run("service", func(t *testing.T) { serve(t, filepath.Join(folder, "service"), broker) })
}

// serve ends the service by a signal, and compares what it says with what arrived.
func serve(t *testing.T, program, broker string) {
	topic := newTopic()
	command := exec.Command(program, broker, topic)
	output, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() { _ = command.Process.Kill() }) // if it has not ended by then
	rest := bufio.NewReader(output)
	_, err = rest.ReadString('\n') // that it is ready
	must(t, err)
	time.Sleep(time.Second) // in which it sends some
	must(t, command.Process.Signal(syscall.SIGTERM))
	var sent, delivered int
	_, err = fmt.Fscanf(rest, "%d sent, %d delivered\n", &sent, &delivered)
	must(t, err)
	must(t, command.Wait())
	if arrived := len(consume(t, broker, topic, "%s")); sent == 0 || sent != delivered || arrived != sent {
		t.Errorf("%d were sent, %d delivered, %d arrived", sent, delivered, arrived)
	}
}

// newcomersProgram is the first program of the README.
func newcomersProgram(t *testing.T) string {
	readme, err := os.ReadFile("README.md")
	must(t, err)
	_, rest, _ := strings.Cut(string(readme), "```go\n")
	program, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("README.md has no program")
	}
	return program
}

// A newcomer copies the program into an empty folder and gets the package from its proxy.
func TestNewcomersProgram(t *testing.T) {
	output, err := exec.Command("./package").CombinedOutput()
	if err != nil {
		t.Fatalf("package: %v: %s", err, output)
	}
	proxy, err := filepath.Abs(filepath.Join("..", "..", "build", "bindings", "go"))
	must(t, err)
	environment := []string{"GOPROXY=file://" + proxy, "GONOSUMDB=sendoff.org/*", "GOFLAGS=-mod=mod -modcacherw",
		"GOMODCACHE=" + t.TempDir(), "GOWORK=off"}
	folder, broker := t.TempDir(), embedded(t)
	source := filepath.Join(folder, "main.go")
	build := func(text string) {
		must(t, os.WriteFile(source, []byte(text), 0o600))
		goCommand(t, folder, environment, "build", "-o", "hello", ".")
	}
	run := func() (string, string) {
		command := exec.Command(filepath.Join(folder, "hello"), broker)
		var output, problems bytes.Buffer
		command.Stdout, command.Stderr = &output, &problems
		if err := command.Run(); err != nil {
			t.Fatalf("%v: %s", err, problems.String())
		}
		return output.String(), problems.String()
	}
	program := newcomersProgram(t)
	goCommand(t, folder, environment, "mod", "init", "hello")
	goCommand(t, folder, environment, "get", "sendoff.org/sendoff@v1.1.0")
	module := strings.TrimSpace(goCommand(t, folder, environment, "list", "-m", "-f", "{{.Dir}}", "sendoff.org/sendoff"))
	for _, name := range []string{"LICENSE", "THIRD-PARTY-LICENSES"} {
		if text, err := os.ReadFile(filepath.Join(module, name)); err != nil || len(text) == 0 {
			t.Errorf("%s of the module: %v", name, err)
		}
	}
	build(program)
	if output, problems := run(); strings.Count(output, ": delivered\n") != 10 || problems != "" {
		t.Errorf("the program printed %q and %q", output, problems)
	}
	build(withoutClose(t, program))
	output10, problems := run()
	if strings.Count(output10, ": delivered\n") != 10 {
		t.Errorf("without close the program printed %q", output10)
	}
	if !strings.Contains(problems, "a producer was never closed") || !strings.Contains(problems, "main.go:") {
		t.Errorf("without close the program reported %q", problems)
	}
}

func TestTheTagDynamicLinksAnInstalledLibrary(t *testing.T) {
	// Not a new folder each time: what Go builds with it is kept as well.
	root, err := filepath.Abs(filepath.Join("..", "..", "build", "bindings", "go-installed"))
	must(t, err)
	must(t, os.RemoveAll(root))
	install := exec.Command("cmake", "--install", "../../build/portable")
	install.Env = append(os.Environ(), "DESTDIR="+root)
	if output, err := install.CombinedOutput(); err != nil {
		t.Fatalf("cmake: %v: %s", err, output)
	}
	found, err := filepath.Glob(filepath.Join(root, "*", "*", "lib*", "pkgconfig", "sendoff.pc"))
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("installed were %q", found)
	}
	folder := filepath.Dir(found[0])
	environment := []string{"PKG_CONFIG_PATH=" + folder, "PKG_CONFIG_SYSROOT_DIR=" + root}
	program := filepath.Join(t.TempDir(), "hello")
	goCommand(t, ".", environment, "build", "-tags", "dynamic", "-o", program, "./samples/hello")
	run := func(libraries string) (string, error) {
		command := exec.Command(program, embedded(t))
		command.Env = append(os.Environ(), "LD_LIBRARY_PATH="+libraries)
		output, err := command.CombinedOutput()
		return string(output), err
	}
	if output, err := run(filepath.Dir(folder)); err != nil || !strings.HasPrefix(output, "partition ") {
		t.Errorf("%v: %s", err, output)
	}
	dynamic, err := exec.Command("readelf", "--dynamic", program).CombinedOutput()
	must(t, err)
	if !strings.Contains(string(dynamic), "[libsendoff.so.1]") {
		t.Errorf("hello needs %s", dynamic)
	}
}

// withoutClose is the program with its close left out, in a process that goes on for a while, as servers do: that is
// where Go can report and repair it.
func withoutClose(t *testing.T, program string) string {
	const call = "if err := run(os.Args[1]); err != nil {\n        log.Fatal(err)\n    }\n"
	const goOn = "    for range 100 {\n        runtime.GC()\n        time.Sleep(20 * time.Millisecond)\n    }\n"
	var kept []string
	for _, line := range strings.Split(program, "\n") {
		if !strings.Contains(line, "defer producer.Close()") {
			kept = append(kept, line)
		}
	}
	open := strings.Join(kept, "\n")
	goesOn := strings.Replace(open, call, call+goOn, 1)
	imported := strings.Replace(goesOn, "    \"os\"\n", "    \"os\"\n    \"runtime\"\n    \"time\"\n", 1)
	if open == program || goesOn == open || imported == goesOn {
		t.Fatal("the README's program has changed its form")
	}
	return imported
}
