// Package native is what SWIG made of the release's header; here is what it is compiled and linked with.
package native

// #cgo CFLAGS: -I${SRCDIR}/include
// #cgo LDFLAGS: -L${SRCDIR}/lib -lsendoff
import "C"
