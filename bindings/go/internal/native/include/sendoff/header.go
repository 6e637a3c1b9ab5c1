// Package sendoff is where the C header is; as a package, so that go mod vendor takes it along.
package sendoff
