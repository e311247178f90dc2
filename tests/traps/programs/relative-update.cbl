*> SPDX-License-Identifier: Apache-2.0
*> A RELATIVE file updated by record number.
identification division.
program-id. RELUPD.
environment division.
input-output section.
file-control.
    select slots assign to "SLOTS" organization relative access random relative key slot-number.
data division.
file section.
fd  slots.
01  slot pic 9(6).
working-storage section.
01  slot-number pic 99 value 3.
procedure division.
    open i-o slots
    read slots invalid key stop run 9 end-read
    add 5 to slot
    rewrite slot
    close slots
    stop run.
