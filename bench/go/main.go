// What Go programs do, as a peer: does on each line of its input, `spawn COUNT` or `open COUNT`, that operation so often in a row,
// and prints how many nanoseconds it took.
package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/cyphar/filepath-securejoin/pathrs-lite"
	"github.com/cyphar/filepath-securejoin/pathrs-lite/procfs"
)

func main() {
	root, err := procfs.OpenProcRoot()
	orDie(err)
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		var name string
		var count int
		_, err := fmt.Sscan(orders.Text(), &name, &count)
		orDie(err)
		operation := map[string]func(){"spawn": spawn, "open": func() { open(root) }}[name]
		if operation == nil {
			orDie(fmt.Errorf("'%s' is no operation: spawn, open", name))
		}
		started := time.Now()
		for range count {
			operation()
		}
		fmt.Println(time.Since(started).Nanoseconds())
	}
	orDie(orders.Err())
}

// Starts `true` and waits for it. Without output or input os/exec starts no goroutines, and gives it /dev/null.
func spawn() {
	orDie(exec.Command("true").Run())
}

// A handle that may only be looked at, and then the file: what pathrs-lite offers to read a file with.
func open(root *procfs.Handle) {
	handle, err := root.OpenSelf("status")
	orDie(err)
	file, err := pathrs.Reopen(handle, os.O_RDONLY)
	orDie(err)
	orDie(file.Close())
	orDie(handle.Close())
}

func orDie(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
