module sendoff.org/sendoff

go 1.24
