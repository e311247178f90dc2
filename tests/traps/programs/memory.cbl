*> SPDX-License-Identifier: Apache-2.0
*> Takes 64 MB at a time until it has a gigabyte, or until there is none left.
identification division.
program-id. MEMORY.
data division.
working-storage section.
01  n binary-long.
01  place usage pointer.
procedure division.
    perform 16 times
        allocate 67108864 characters returning place
        if place = null display "no memory" stop run 9 end-if
    end-perform
    stop run.
