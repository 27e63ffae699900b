module procward/bench

go 1.24.0

require github.com/cyphar/filepath-securejoin v0.7.0

require (
	cyphar.com/go-pathrs v0.2.5 // indirect
	golang.org/x/sys v0.26.0 // indirect
)
