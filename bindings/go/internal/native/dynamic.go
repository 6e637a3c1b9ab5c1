//go:build linux && dynamic && (amd64 || arm64)

package native

// #cgo pkg-config: sendoff
import "C"
