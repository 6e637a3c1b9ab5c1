//go:build linux && !dynamic

package native

import _ "sendoff.org/sendoff/internal/native/lib/linux_amd64" // links the C library
