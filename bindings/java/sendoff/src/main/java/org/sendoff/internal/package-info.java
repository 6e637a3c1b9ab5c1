/** What SWIG made of {@code sendoff.h}, and how its library is loaded. Not for programs. */
package org.sendoff.internal;
