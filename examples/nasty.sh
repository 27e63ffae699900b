#!/bin/sh
# A process tree that does not want to end. Waits for a line on standard input, then grows; prints "PID NAME" for each
# of its processes and "grown" at the end. $1 bounds the fork loop, in case that no control group does.

exec 3<&0
trap '' TERM HUP INT

# Takes a name of its own, as `ps` and the kernel show it, and tells its pid. Runs no other program.
become() {
  printf %s "$1" > /proc/self/comm
  read -r pid _ < /proc/self/stat
  echo "$pid $1"
}

# Blocks for ever, without a child that sleeps: the write end of descriptor 3 is the demo's.
forever() {
  read -r _ <&3
}

read -r _ <&3
become nasty

# Busy for a minute or two, so that even a demo that is killed half-way leaves nothing for ever.
spin() {
  rounds=0
  while [ "$rounds" -lt 100000000 ]; do rounds=$((rounds + 1)); done
}
(become busy; spin) &
(become busy; spin) &
(become stubborn; (become grandchild; forever) & forever) &

# A double fork: the parent in the middle ends, and the child is handed to somebody else.
((become double-fork; forever) &) &

# A session of its own, out of reach of any process group; with a double fork, out of sight too.
if command -v setsid > /dev/null; then
  setsid sh -c 'printf %s own-session > /proc/self/comm; echo "$$ own-session"; read -r _ <&3' &
  (setsid sh -c 'printf %s daemon > /proc/self/comm; echo "$$ daemon"; read -r _ <&3' &) &
fi

# A fork loop. Once the kernel refuses, the loop ends and leaves what it forked without a parent.
(
  (
    become fork-loop
    round=0
    while [ "$round" -lt "$1" ]; do
      (become forked; forever) &
      round=$((round + 1))
    done
    echo '0 fork-loop-done'
    forever
  ) 2> /dev/null || echo '0 fork-loop-refused'
) &

echo '0 grown'
forever
