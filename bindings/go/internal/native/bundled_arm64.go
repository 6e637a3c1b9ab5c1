//go:build linux && !dynamic

package native

import _ "sendoff.org/sendoff/internal/native/lib/linux_arm64" // links the C library
