//go:build linux && arm64 && !dynamic

// Package archive links the C library for linux/arm64 from this folder.
package archive

// #cgo LDFLAGS: ${SRCDIR}/libsendoff.a -lpthread -lm -ldl
import "C"
