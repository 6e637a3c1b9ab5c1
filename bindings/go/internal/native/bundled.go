//go:build linux && !dynamic && (amd64 || arm64)

package native

// #cgo CFLAGS: -I${SRCDIR}/include
import "C"

import _ "sendoff.org/sendoff/internal/native/include/sendoff" // has the header
