module sendoff_go_bench

go 1.24

require sendoff.org/sendoff v1.1.0

replace sendoff.org/sendoff => ../../../../bindings/go
