//go:build linux && amd64 && !dynamic

// Package archive links the C library for linux/amd64 from this folder.
package archive

// #cgo LDFLAGS: ${SRCDIR}/libsendoff.a -lpthread -lm -ldl
import "C"
